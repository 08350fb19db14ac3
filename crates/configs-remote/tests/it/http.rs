//! Text from a URL.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use configs::{SourceState, Trigger};
use configs_remote::{Options, Remote};
use conformance::{Behaviour, TextServer, wait_until};

use crate::shop::{open, options, wait_for_greeting, wait_for_state};

const SECRET: &str = "hunter2";

#[test]
fn a_new_text_is_in_force() {
    for (name, one, two) in [
        ("shop.yaml", "greeting: one", "greeting: two"),
        ("shop.json", r#"{"greeting": "one"}"#, r#"{"greeting": "two"}"#),
        ("shop.toml", "greeting = 'one'", "greeting = 'two'"),
        ("shop?token=x", "greeting: one", "greeting: two"),
    ] {
        for behaviour in [Behaviour::Text, Behaviour::Plain] {
            let server = TextServer::start(behaviour, one);
            let shop = open(&server.url(name), &options()).unwrap();
            assert_eq!(shop.load().greeting, "one");
            server.write(two);
            wait_for_greeting(&shop, "two");
            let status = &shop.sources()[0];
            assert_eq!(status.state, SourceState::Live);
            assert!(status.version.is_some(), "{status:?}");
            let attempt = &shop.history()[0];
            assert_eq!(attempt.trigger, Trigger::Source, "{attempt:?}");
        }
    }
}

#[test]
fn a_text_that_is_the_same_is_not_sent_again() {
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &options()).unwrap();
    wait_until("some questions", || server.requests().len() > 3).unwrap();
    assert!(!server.requests()[0].contains("if-none-match"));
    assert!(server.requests()[1..].iter().all(|head| head.contains("if-none-match: \"1\"")));
    assert_eq!(shop.history().len(), 1, "no attempt was made");
}

/// The source's thread may still be busy with the first text when the configuration is open.
#[test]
fn the_text_that_a_start_has_read_is_not_tried_again() {
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    for _ in 0..300 {
        let shop = open(&server.url("shop.yaml"), &options()).unwrap();
        let known = server.requests().len();
        wait_until("another question", || server.requests().len() > known).unwrap();
        assert_eq!(shop.history().len(), 1);
    }
}

#[test]
fn a_server_that_waits_tells_of_a_change_at_once() {
    // Without its waiting, the change would not be seen before the end of the test.
    let seldom = Options { poll: Duration::from_hours(1), ..options() };
    let server = TextServer::start(Behaviour::LongPoll, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &seldom).unwrap();
    wait_until("a question that waits", || server.requests().len() == 2).unwrap();
    for greeting in ["two", "three", "four"] {
        server.write(&format!("greeting: {greeting}"));
        wait_for_greeting(&shop, greeting);
    }
}

#[test]
fn a_bad_text_is_rejected_and_the_last_one_stays() {
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let shop = open(&server.url("shop.yaml?token=hunter2"), &options()).unwrap();
    for (text, said) in [
        ("greeting: [1]", "shop.yaml?***:1:11: greeting: expected text, found a list"),
        ("greting: two", "shop.yaml?***:1:1: greting: unknown key (did you mean `greeting`?)"),
        ("<html>not found</html>", "expected a map of keys, found text"),
        ("", "shop.yaml?***:1:1: the document is empty"),
        ("greeting = 'two'", "this looks like TOML"),
    ] {
        let known = shop.history().len();
        server.write(text);
        wait_until("an attempt", || shop.history().len() > known).unwrap();
        let diagnosis = shop.history()[0].error.clone().expect(text).message();
        assert!(diagnosis.contains(said), "{diagnosis}");
        assert!(!diagnosis.contains(SECRET), "{diagnosis}");
        assert_eq!(shop.load().greeting, "one");
    }
    server.write("greeting: two");
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_server_that_sends_no_text_changes_nothing() {
    let elsewhere = TextServer::start(Behaviour::Redirect("/again".to_owned()), "");
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &options()).unwrap();
    for behaviour in [
        Behaviour::Status(404),
        Behaviour::Huge,
        Behaviour::NotHttp,
        Behaviour::Redirect(elsewhere.url("")),
        Behaviour::Half,
        Behaviour::Status(500),
    ] {
        server.behave(behaviour);
        wait_for_state(&shop, SourceState::Lost);
        assert_eq!(shop.load().greeting, "one");
        server.behave(Behaviour::Text);
        wait_for_state(&shop, SourceState::Live);
    }
    assert_eq!(shop.history().len(), 1, "no attempt was made");
    server.write("greeting: two");
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_start_without_a_text_says_why() {
    let server = TextServer::start(Behaviour::Text, "greeting: one");
    let host = server.address();
    // Nobody listens at a client's port, and no other test can take it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let closed = client.local_addr().unwrap();
    for (behaviour, said) in [
        (Behaviour::Status(404), "status 404: nothing is at this address"),
        (Behaviour::Status(503), "status 503, expected 200"),
        (Behaviour::Status(304), "status 304"),
        (Behaviour::Password("Basic x".to_owned()), "status 401: the user or the password is wrong"),
        (Behaviour::Redirect("/again".to_owned()), "more than 5 redirects"),
        (Behaviour::Redirect("file:///etc/passwd".to_owned()), "a redirect away from"),
        (Behaviour::Huge, "too large, expected at most 1048576 bytes"),
        (Behaviour::NotHttp, "does not speak HTTP"),
        (Behaviour::Half, "the answer ended before it was whole"),
    ] {
        server.behave(behaviour.clone());
        let address = format!("http://admin:{SECRET}@{host}/shop.yaml?token={SECRET}");
        let diagnosis = open(&address, &options()).map(drop).expect_err("there is no text");
        let shown = diagnosis.render();
        assert!(shown.contains(said), "{behaviour:?}: {shown}");
        assert!(shown.contains(&format!("http://***@{host}/shop.yaml?***")), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let refused =
        open(&format!("http://{closed}/shop.yaml"), &options()).map(drop).expect_err("nobody listens");
    assert!(refused.message().contains("connection refused"), "{refused}");
    for behaviour in [Behaviour::Silent, Behaviour::Endless] {
        let server = TextServer::start(behaviour.clone(), "");
        let hasty = Options { patience: Duration::from_millis(200), ..options() };
        let refused = open(&server.url("shop.yaml"), &hasty).map(drop).expect_err("there is no whole answer");
        assert!(refused.message().contains("the source does not answer"), "{behaviour:?}: {refused}");
    }
}

#[test]
fn a_text_that_never_ends_changes_nothing() {
    if !conformance::long_tier() {
        return;
    }
    // Without an `ETag`, an answer may take 10 s.
    let server = TextServer::start(Behaviour::Plain, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &options()).unwrap();
    server.behave(Behaviour::Endless);
    wait_for_state(&shop, SourceState::Lost);
    assert_eq!((shop.load().greeting.as_str(), shop.history().len()), ("one", 1));
    server.behave(Behaviour::Plain);
    server.write("greeting: two");
    wait_for_greeting(&shop, "two");
}

#[test]
fn a_password_is_sent_to_its_host() {
    // `admin:hunter2@` in base64.
    let server =
        TextServer::start(Behaviour::Password("Basic YWRtaW46aHVudGVyMkA=".to_owned()), "greeting: one");
    let address = format!("http://admin:{SECRET}%40@{}/shop.yaml", server.address());
    assert_eq!(open(&address, &options()).unwrap().load().greeting, "one");
}

#[test]
fn a_redirect_is_followed_without_the_password() {
    let target = TextServer::start(Behaviour::Text, "greeting: one");
    let server = TextServer::start(Behaviour::Redirect(target.url("other.yaml")), "");
    let address = format!("http://admin:{SECRET}@{}/shop.yaml", server.address());
    let shop = open(&address, &options()).unwrap();
    target.write("greeting: two");
    wait_for_greeting(&shop, "two");
    assert!(server.requests().iter().all(|head| head.contains("authorization: basic ")));
    assert!(target.requests().iter().all(|head| !head.contains("authorization")));
}

#[test]
fn a_source_ends_with_its_last_handle() {
    let server = TextServer::start(Behaviour::LongPoll, "greeting: one");
    let shop = open(&server.url("shop.yaml"), &options()).unwrap();
    wait_until("a question that waits", || server.requests().len() == 2).unwrap();
    drop(shop);
    let known = server.requests().len();
    server.write("greeting: two");
    // Another source takes more time than a question of the first one would.
    let other = TextServer::start(Behaviour::Text, "greeting: one");
    let other_shop = open(&other.url("shop.yaml"), &options()).unwrap();
    other.write("greeting: two");
    wait_for_greeting(&other_shop, "two");
    assert_eq!(server.requests().len(), known);
}

#[test]
fn a_bad_address_is_refused() {
    for (address, said) in
        [("ftp://a/b", "unknown scheme `ftp`"), ("http://", "this is no URL"), ("a", "expected a URL")]
    {
        let refused = Remote::open(address, &options()).expect_err(address);
        assert!(refused.to_string().contains(said), "{refused}");
    }
}
