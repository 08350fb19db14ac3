//! The contract, section by section.

mod address;
mod admission;
mod browsing;
mod custom_routes;
mod diagnoses;
mod dynamic_config;
mod edits;
mod event_stream;
mod faults;
mod guard;
mod handover;
mod headers;
mod health;
mod history;
mod layers;
mod listening;
mod methods;
mod metrics;
mod mistakes;
mod page;
mod parity;
mod patience;
mod rejections;
mod reloading;
mod robustness;
mod saving;
mod second_signals;
mod secrets;
mod starting;
mod stopping;
mod supervision;
mod templates;
mod upgrading;
mod watching;
mod wholeness;

use crate::{Demo, claim::trial};
use libtest_mimic::Trial;

/// How many claims stand between two that need a browser.
const APART: usize = 24;

/// Every claim, as a test; those that have to wait long come first.
pub(crate) fn trials(demo: &Demo) -> Vec<Trial> {
    let claims = [
        handover::CLAIMS,
        faults::CLAIMS,
        second_signals::CLAIMS,
        upgrading::CLAIMS,
        patience::CLAIMS,
        stopping::CLAIMS,
        robustness::CLAIMS,
        wholeness::CLAIMS,
        starting::CLAIMS,
        address::CLAIMS,
        layers::CLAIMS,
        diagnoses::CLAIMS,
        saving::CLAIMS,
        reloading::CLAIMS,
        edits::CLAIMS,
        secrets::CLAIMS,
        templates::CLAIMS,
        listening::CLAIMS,
        page::CLAIMS,
        parity::CLAIMS,
        dynamic_config::CLAIMS,
        event_stream::CLAIMS,
        history::CLAIMS,
        health::CLAIMS,
        metrics::CLAIMS,
        custom_routes::CLAIMS,
        methods::CLAIMS,
        admission::CLAIMS,
        guard::CLAIMS,
        headers::CLAIMS,
        supervision::CLAIMS,
    ];
    let claims = claims.into_iter().flatten().map(|&(path, check)| {
        let demo = demo.clone();
        trial(path, move || check(&demo))
    });
    let claims = faults::trials(demo).into_iter().chain(claims).chain(watching::trials(demo));
    let mut trials: Vec<Trial> = claims.chain(rejections::trials(demo)).collect();
    // Browsers take turns: far from each other, so that nobody waits for the turn.
    for (at, trial) in browsing::trials(demo).into_iter().enumerate() {
        trials.insert(at * APART, trial);
    }
    trials
}
