//! The contract, section by section.

mod address;
mod admission;
mod browsing;
mod config_files;
mod custom_routes;
mod database;
mod debug;
mod diagnoses;
mod dynamic_config;
mod edits;
mod env_file;
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
mod overrides;
mod page;
mod parity;
mod patience;
mod plugins;
mod rejections;
mod reloading;
mod remote;
mod robustness;
mod saving;
mod second_signals;
mod secrets;
mod starting;
mod stopping;
mod supervision;
mod templates;
mod terminal;
mod upgrade_watch;
mod upgrading;
mod watching;
mod wholeness;
mod written_programs;

use crate::{
    Demo, Etcd, Postgres,
    claim::{Claim, Scope, trial, trial_that_needs},
    tier,
};
use libtest_mimic::Trial;

/// The number of claims between two that need a browser: browsers start one after another.
const APART: usize = 24;

/// The claims of all files except those with prerequisites. The claims that wait longest come first.
const CLAIMS: [&[Claim]; 41] = [
    handover::CLAIMS,
    faults::CLAIMS,
    second_signals::CLAIMS,
    upgrading::CLAIMS,
    upgrade_watch::CLAIMS,
    written_programs::CLAIMS,
    patience::CLAIMS,
    stopping::CLAIMS,
    robustness::CLAIMS,
    wholeness::CLAIMS,
    plugins::CLAIMS,
    starting::CLAIMS,
    address::CLAIMS,
    layers::CLAIMS,
    config_files::CLAIMS,
    env_file::CLAIMS,
    remote::CLAIMS,
    diagnoses::CLAIMS,
    saving::CLAIMS,
    reloading::CLAIMS,
    edits::CLAIMS,
    secrets::CLAIMS,
    templates::CLAIMS,
    terminal::CLAIMS,
    listening::CLAIMS,
    page::CLAIMS,
    parity::CLAIMS,
    dynamic_config::CLAIMS,
    event_stream::CLAIMS,
    history::CLAIMS,
    overrides::CLAIMS,
    health::CLAIMS,
    metrics::CLAIMS,
    custom_routes::CLAIMS,
    database::away::CLAIMS,
    methods::CLAIMS,
    admission::CLAIMS,
    guard::CLAIMS,
    debug::CLAIMS,
    headers::CLAIMS,
    supervision::CLAIMS,
];

/// The claims about `demo` that are checked in this tier, as tests. Prints how many are left out.
pub(crate) fn trials(demo: &Demo) -> Vec<Trial> {
    let (full, framework) = (tier::is_full(), demo.framework());
    let (mut shared, mut long) = (0, 0);
    let mut in_this_tier = |scope: Scope, trials: Vec<Trial>| {
        if scope.includes(&framework, full) {
            return trials;
        }
        *(if scope == Scope::Full { &mut long } else { &mut shared }) += trials.len();
        Vec::new()
    };
    let mut trials = in_this_tier(Scope::Full, faults::trials(demo));
    for claim in CLAIMS.into_iter().flatten() {
        let (demo, check) = (demo.clone(), claim.check);
        trials.extend(in_this_tier(claim.scope, vec![trial(claim.path, move || check(&demo))]));
    }
    trials.extend(in_this_tier(Scope::OneDemo, rejections::trials(demo)));
    let needing = |claims: &[Claim], missing: Option<String>| -> Vec<(Scope, Trial)> {
        let needing = claims.iter().map(|claim| {
            let (demo, check) = (demo.clone(), claim.check);
            (claim.scope, trial_that_needs(missing.clone(), claim.path, move || check(&demo)))
        });
        needing.collect()
    };
    for (scope, trial) in needing(watching::CLAIMS, watching::missing()) {
        trials.extend(in_this_tier(scope, vec![trial]));
    }
    for (scope, trial) in needing(database::CLAIMS, Postgres::missing()) {
        trials.extend(in_this_tier(scope, vec![trial]));
    }
    for (scope, trial) in needing(remote::etcd::CLAIMS, Etcd::missing()) {
        trials.extend(in_this_tier(scope, vec![trial]));
    }
    let browsing = needing(browsing::CLAIMS, browsing::missing());
    let browsing = browsing.into_iter().flat_map(|(scope, trial)| in_this_tier(scope, vec![trial]));
    for (at, trial) in browsing.enumerate() {
        trials.insert((at * APART).min(trials.len()), trial);
    }
    if shared + long > 0 {
        tier::say(&format!("{long} long claims and {shared} about shared code: {}", tier::LONG));
    }
    trials
}
