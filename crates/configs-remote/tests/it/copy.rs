//! The copy of the last good text.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use configs::{Outcome, SourceState};
use conformance::{Behaviour, TextServer, wait_until};

use crate::shop::{kept_in, open, options, wait_for_greeting, wait_for_state};

/// Waits until one whole copy with this text is in a folder.
fn wait_for_copy(folder: &Path, text: &str) {
    let has = || {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        texts.any(|copy| copy.contains(text))
    };
    wait_until(&format!("a copy with `{text}`"), has).unwrap_or_else(|failed| panic!("{failed:?}"));
}

/// An address where a server was, and a folder with the copy of its text.
fn away(folder: &Path) -> SocketAddr {
    let server = TextServer::start(Behaviour::Text, "greeting: kept");
    let shop = open(&server.url("shop.yaml"), &kept_in(folder)).unwrap_or_else(|refused| panic!("{refused}"));
    wait_for_copy(folder, "kept");
    drop(shop);
    server.address()
}

#[test]
fn a_start_without_the_source_uses_the_copy_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    let address = away(folder.path());
    let url = format!("http://{address}/shop.yaml");
    // Without the copy there is no start.
    let refused = open(&url, &options()).map(drop).expect_err("the server is away");
    assert!(refused.message().contains("connection refused"), "{refused}");
    let shop = open(&url, &kept_in(folder.path())).unwrap();
    assert_eq!(shop.load().greeting, "kept");
    let status = &shop.sources()[0];
    assert_eq!((status.state, status.version.as_deref()), (SourceState::Copy, Some("\"1\"")));
    let _server = TextServer::at(address, Behaviour::Text, "greeting: newer");
    wait_for_greeting(&shop, "newer");
    wait_for_state(&shop, SourceState::Live);
    wait_for_copy(folder.path(), "newer");
}

#[test]
fn a_start_with_a_bad_text_uses_the_copy_and_reports_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let address = away(folder.path());
    let server = TextServer::at(address, Behaviour::Text, "greeting: [1]");
    let shop = open(&server.url("shop.yaml"), &kept_in(folder.path())).unwrap();
    assert_eq!(shop.load().greeting, "kept");
    wait_until("a rejection", || shop.history()[0].outcome == Outcome::Rejected).unwrap();
    let diagnosis = shop.history()[0].error.clone().unwrap().message();
    assert!(diagnosis.contains("shop.yaml:1:11: greeting: expected text"), "{diagnosis}");
    assert_eq!(shop.load().greeting, "kept");
    wait_for_copy(folder.path(), "kept");
    server.write("greeting: mended");
    wait_for_greeting(&shop, "mended");
}

#[test]
fn a_text_that_is_rejected_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &kept_in(folder.path())).unwrap();
    wait_for_copy(folder.path(), "one");
    server.write("greeting: two\nsize: 300");
    wait_until("a rejection", || shop.history()[0].outcome == Outcome::Rejected).unwrap();
    server.write("greeting: three");
    wait_for_greeting(&shop, "three");
    drop(shop);
    wait_for_copy(folder.path(), "three");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_copy_that_cannot_be_written_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &kept_in(&file.join("below"))).unwrap();
    server.write("greeting: two");
    wait_for_greeting(&shop, "two");
    assert_eq!(shop.load().size, 0);
}
