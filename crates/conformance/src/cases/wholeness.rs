//! A request sees one configuration from beginning to end, and a whole one.

use crate::{
    Client, Demo, Failed, Running, Server,
    claim::{Verdict, claims},
    wait_until,
};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread::{self, ScopedJoinHandle},
};

claims![
    a_page_is_of_one_configuration_while_200_are_saved_in_place,
    a_page_is_of_one_configuration_while_200_are_saved_by_rename,
    the_json_is_of_one_configuration_while_100_are_saved,
    the_checker_finds_a_torn_pair,
];

const TEMPLATE: &str = "{{ app_name }} {{ database.name }} {{ settings.refresh_interval_seconds }}";

fn a_page_is_of_one_configuration_while_200_are_saved_in_place(demo: &Demo) -> Verdict {
    storm(demo, 200, "/", whole_page, Running::save_config)
}

fn a_page_is_of_one_configuration_while_200_are_saved_by_rename(demo: &Demo) -> Verdict {
    storm(demo, 200, "/", whole_page, |server, text| server.replace("config.yaml", text))
}

fn the_json_is_of_one_configuration_while_100_are_saved(demo: &Demo) -> Verdict {
    storm(demo, 100, "/dynamic-config", whole_json, |server, text| server.replace("config.yaml", text))
}

/// The negative control for the checker.
fn the_checker_finds_a_torn_pair(_: &Demo) -> Verdict {
    assert_eq!(whole_page("v7 v7 7"), Some(7));
    if let Some(torn) = ["v7 v8 7", "v7 v7 8", "v8 v7 7", "v7 v7", "", "v7 v7 7 v7"]
        .into_iter()
        .find(|t| whole_page(t).is_some())
    {
        return Err(format!("`{torn}` was taken for whole").into());
    }
    let json = |n: u64, m: u64| {
        format!(
            r#"{{"refresh_interval_seconds":{n},"dynamic_message":"Config updated at 10:00:00. Interval: {m} seconds."}}"#
        )
    };
    assert_eq!(whole_json(&json(7, 7)), Some(7));
    assert_eq!(whole_json(&json(7, 8)), None);
    Ok(())
}

/// Saves `count` configurations one after another while clients read `target`. `whole` returns the number of the configuration
/// that an answer shows, or none for a mixture.
fn storm(
    demo: &Demo,
    count: u64,
    target: &str,
    whole: fn(&str) -> Option<u64>,
    save: impl Fn(&Running, String) -> Verdict,
) -> Verdict {
    let server = demo.server().config(config(1)).template("index.html", TEMPLATE).start()?;
    let (done, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| read_until(&done, &answers, server.address(), target, whole)))
            .collect();
        let saved = (2..=count).try_for_each(|n| {
            let before = answers.load(Ordering::Relaxed);
            save(&server, config(n))?;
            wait_until("answers meanwhile", || {
                answers.load(Ordering::Relaxed) > before + 1
                    || readers.iter().any(ScopedJoinHandle::is_finished)
            })
        });
        let last = saved.and_then(|()| {
            wait_until("the last one", || {
                server.get(target).is_ok_and(|answer| whole(&answer.text()) == Some(count))
            })
        });
        done.store(true, Ordering::Relaxed);
        readers.into_iter().try_for_each(|reader| reader.join().map_err(|_| "a reader panicked")?)?;
        last
    })?;
    assert!(answers.into_inner() > 2 * (count - 2), "too few answers to tell anything");
    assert_eq!(server.attempts("rejected")?, 0, "nothing half-read");
    Ok(())
}

fn read_until(
    done: &AtomicBool,
    answers: &AtomicU64,
    address: SocketAddr,
    target: &str,
    whole: fn(&str) -> Option<u64>,
) -> Result<(), Failed> {
    let mut client = Client::connect(address)?;
    let (mut newest, mut generation) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let answer = client.get(target)?;
        let text = answer.text();
        let seen = match whole(&text) {
            Some(seen) => seen,
            // Before the first edit the message has no interval.
            None if text.contains("Initial message") => 0,
            None => return Err(format!("torn: {text}").into()),
        };
        let now = answer.generation().ok_or("no generation")?;
        if seen < newest || now < generation || (now == generation && seen != newest) {
            return Err(format!("{text} of generation {now} after {newest} of {generation}").into());
        }
        (newest, generation) = (seen, now);
        answers.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn config(n: u64) -> String {
    Server::shipped_config()
        .replace("MyRustApp", &format!("v{n}"))
        .replace("myapp_db", &format!("v{n}"))
        .replace("seconds: 5", &format!("seconds: {n}"))
}

fn whole_page(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(' ').collect();
    let [one, two, three] = words[..] else { return None };
    let n = three.parse().ok()?;
    (one == two && one == format!("v{n}")).then_some(n)
}

fn whole_json(text: &str) -> Option<u64> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let n = json["refresh_interval_seconds"].as_u64()?;
    json["dynamic_message"].as_str()?.ends_with(&format!("Interval: {n} seconds.")).then_some(n)
}
