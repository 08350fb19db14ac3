//! Text from a real etcd.

use std::time::Duration;

use configs::{SourceState, Trigger};
use configs_remote::Options;
use conformance::{Etcd, wait_until};
use rustix::process::Signal;

use crate::shop::{kept_in, open, options, wait_for_greeting, wait_for_state};

const SECRET: &str = "hunter2";

/// The address of a key or a prefix.
fn at(etcd: &Etcd, key: &str) -> String {
    format!("etcd://{}/{key}", etcd.endpoint())
}

/// Options with which nothing is seen but by the watch.
fn seldom() -> Options {
    Options { poll: Duration::from_hours(1), ..options() }
}

#[test]
fn a_write_is_in_force_by_the_watch_alone() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    for address in [at(&etcd, "app/"), at(&etcd, "app/shop.yaml")] {
        etcd.put("app/shop.yaml", "greeting: one").unwrap();
        let shop = open(&address, &seldom()).unwrap();
        for greeting in ["two", "three", "four"] {
            etcd.put("app/shop.yaml", &format!("greeting: {greeting}")).unwrap();
            wait_for_greeting(&shop, greeting);
        }
        assert_eq!(shop.history()[0].trigger, Trigger::Source);
        assert_eq!(shop.history().len(), 4);
    }
}

#[test]
fn documents_below_a_prefix_are_laid_over_one_another() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/10.yaml", "greeting: one\nsize: 1").unwrap();
    etcd.put("app/20.toml", "size = 2").unwrap();
    etcd.put("app/readme", "no document").unwrap();
    etcd.put("apple/30.yaml", "size: 3").unwrap();
    let shop = open(&at(&etcd, "app/"), &seldom()).unwrap();
    assert_eq!((shop.load().greeting.as_str(), shop.load().size), ("one", 2));
    let known = shop.history().len();
    etcd.put("app/30.json", "{\"greeting\": \"two\"}").unwrap();
    wait_for_greeting(&shop, "two");
    assert_eq!(shop.history().len(), known + 1);
    etcd.put("app/20.toml", "size = 'x'").unwrap();
    wait_until("a rejection", || shop.history()[0].error.is_some()).unwrap();
    let diagnosis = shop.history()[0].error.clone().unwrap().message();
    assert!(diagnosis.contains("/app/20.toml:1:8: size: expected a whole number"), "{diagnosis}");
    etcd.delete("app/20.toml").unwrap();
    wait_until("the size of the first document", || shop.load().size == 1).unwrap();
}

#[test]
fn a_key_that_is_deleted_changes_nothing() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&at(&etcd, "app/"), &options()).unwrap();
    etcd.delete("app/shop.yaml").unwrap();
    wait_for_state(&shop, SourceState::Lost);
    assert_eq!(shop.load().greeting, "one");
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
    wait_for_state(&shop, SourceState::Live);
}

#[test]
fn a_start_without_a_key_says_so() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("/app/shop.yaml", "greeting: one").unwrap();
    for (key, said) in
        [("app/", "no key below `app/` ends with"), ("app/shop.yaml", "there is no key `app/shop.yaml`")]
    {
        let refused = open(&at(&etcd, key), &options()).map(drop).expect_err("there is no key").render();
        assert!(refused.contains(said), "{refused}");
        assert!(refused.contains("a key that begins with a slash is written with two"), "{refused}");
    }
    assert_eq!(open(&at(&etcd, "/app/"), &options()).unwrap().load().greeting, "one");
}

#[test]
fn a_killed_etcd_changes_nothing_and_is_found_again() {
    let Some(mut etcd) = Etcd::for_this_test() else { return };
    let folder = tempfile::tempdir().unwrap();
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let address = at(&etcd, "app/");
    let shop = open(&address, &kept_in(folder.path())).unwrap();
    etcd.kill().unwrap();
    wait_for_state(&shop, SourceState::Lost);
    let started_meanwhile = open(&address, &kept_in(folder.path())).unwrap();
    assert_eq!(started_meanwhile.sources()[0].state, SourceState::Copy);
    assert_eq!((shop.load().greeting.as_str(), started_meanwhile.load().greeting.as_str()), ("one", "one"));
    etcd.restart().unwrap();
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    for shop in [&shop, &started_meanwhile] {
        wait_for_greeting(shop, "two");
        wait_for_state(shop, SourceState::Live);
    }
}

#[test]
fn a_paused_etcd_counts_as_lost_until_it_goes_on() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&at(&etcd, "app/"), &options()).unwrap();
    etcd.signal(Signal::STOP).unwrap();
    wait_for_state(&shop, SourceState::Lost);
    assert_eq!(shop.load().greeting, "one");
    etcd.signal(Signal::CONT).unwrap();
    wait_for_state(&shop, SourceState::Live);
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
}

#[test]
fn compacted_revisions_are_read_anew() {
    let Some(mut etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&at(&etcd, "app/"), &seldom()).unwrap();
    etcd.kill().unwrap();
    wait_for_state(&shop, SourceState::Lost);
    etcd.restart().unwrap();
    for number in 0..20 {
        etcd.put("app/shop.yaml", &format!("greeting: number-{number}")).unwrap();
    }
    etcd.compact().unwrap();
    wait_for_greeting(&shop, "number-19");
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_restored_snapshot_is_followed() {
    let Some(mut etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: old").unwrap();
    etcd.snapshot("old.db").unwrap();
    for number in 0..20 {
        etcd.put("app/shop.yaml", &format!("greeting: number-{number}")).unwrap();
    }
    let shop = open(&at(&etcd, "app/"), &seldom()).unwrap();
    assert_eq!(shop.load().greeting, "number-19");
    etcd.restore("old.db").unwrap();
    wait_for_greeting(&shop, "old");
    // The revision is far below that of the first watch.
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_password_is_asked_for() {
    let Some(mut etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    etcd.put("other/shop.yaml", "greeting: one").unwrap();
    etcd.require_password(SECRET, "app/").unwrap();
    let host = etcd.endpoint();
    for (address, said) in [
        (format!("etcd://{host}/app/"), "the user or the password is wrong"),
        (format!("etcd://reader:{SECRET}3@{host}/app/"), "the user or the password is wrong"),
        (format!("etcd://nobody:{SECRET}@{host}/app/"), "the user or the password is wrong"),
        (format!("etcd://reader:{SECRET}@{host}/other/"), "the user may not read these keys"),
    ] {
        let refused = open(&address, &options()).map(drop).expect_err("the password is wrong").render();
        assert!(refused.contains(said) & !refused.contains(SECRET), "{refused}");
    }
    let shop = open(&format!("etcd://reader:{SECRET}@{host}/app/"), &options()).unwrap();
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
    // The tokens of a server end with it.
    etcd.kill().unwrap();
    wait_for_state(&shop, SourceState::Lost);
}

#[test]
fn a_password_that_nobody_asks_for_harms_nobody() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&format!("etcd://reader:{SECRET}@{}/app/", etcd.endpoint()), &seldom()).unwrap();
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
}

#[test]
fn the_next_endpoint_is_asked_if_one_is_away() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&format!("etcd://{closed},{}/app/", etcd.endpoint()), &options()).unwrap();
    etcd.put("app/shop.yaml", "greeting: two").unwrap();
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_text_that_is_too_large_is_refused() {
    let Some(etcd) = Etcd::for_this_test() else { return };
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    let shop = open(&at(&etcd, "app/"), &options()).unwrap();
    // A command line holds at most 128 KiB in one argument.
    for number in 0..12 {
        etcd.put(&format!("app/{number}.yaml"), &format!("# {}", "x".repeat(120_000))).unwrap();
    }
    wait_for_state(&shop, SourceState::Lost);
    assert_eq!(shop.load().greeting, "one");
}
