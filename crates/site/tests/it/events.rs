use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt};
use site::{Event, Site};

use crate::folder::{CONFIG, Folder, PAGE, answer, request};

const LOCAL: &[(&str, &str)] = &[("host", "localhost")];
const AFAR: &[(&str, &str)] = &[("host", "example.com")];

/// The next event: its name and its data.
async fn next(stream: &mut (impl Stream<Item = Event> + Unpin)) -> (&'static str, String) {
    let event = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an event in time");
    match event.expect("an event") {
        Event::Message(name, data) => (name, data.to_string()),
        other => panic!("expected a message, found {other:?}"),
    }
}

fn listen(site: &Site, headers: &[(&str, &str)]) -> impl Stream<Item = Event> + use<> {
    site.events(&request(site, "GET", "/events", headers).0)
}

#[tokio::test]
async fn a_client_hears_hello_then_every_change() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let mut events = pin!(listen(&site, LOCAL));
    assert_eq!(
        next(&mut events).await,
        (
            "hello",
            format!(r#"{{"instance":"01234567","build":"{}","generation":1}}"#, env!("CARGO_PKG_VERSION"))
        )
    );
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Other"));
    assert_eq!(next(&mut events).await, ("config", r#"{"generation":2,"changed":["app_name"]}"#.to_owned()));
    folder.save("templates/index.html", &format!("{PAGE}more"));
    assert_eq!(next(&mut events).await, ("template", r#"{"changed":["index.html"]}"#.to_owned()));
}

#[tokio::test]
async fn a_problem_is_heard_once_and_its_end_too() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let (mut local, mut afar) = (pin!(listen(&site, LOCAL)), pin!(listen(&site, AFAR)));
    next(&mut local).await;
    next(&mut afar).await;

    folder.save("config.yaml", &CONFIG.replace("8080", "eight-oh"));
    let (told_here, told_afar) = (next(&mut local).await, next(&mut afar).await);
    assert_eq!(told_here.0, "problem");
    assert!(told_here.1.starts_with(r#"{"source":"config","message":""#), "{told_here:?}");
    assert!(told_here.1.contains("port"), "{told_here:?}");
    assert!(!told_afar.1.contains("eight-oh"), "{told_afar:?}");

    let mut late = pin!(listen(&site, LOCAL));
    next(&mut late).await;
    assert_eq!(next(&mut late).await, told_here, "a page that is loaded now shows the problem too");

    folder.save("config.yaml", CONFIG);
    let solved = ("solved", r#"{"source":"config"}"#.to_owned());
    assert_eq!(next(&mut local).await, solved);
    assert_eq!(next(&mut late).await, solved);
}

#[tokio::test]
async fn a_draining_site_says_good_bye_to_old_and_new_clients() {
    let site = Folder::new().open().unwrap().served_at("127.0.0.1:8080".parse().unwrap());
    let mut events = pin!(listen(&site, LOCAL));
    next(&mut events).await;
    site.drain();
    let bye = ("bye", r#"{"location":"http://127.0.0.1:8080/"}"#.to_owned());
    let retry = Event::Retry(Duration::from_millis(250));
    assert_eq!(events.next().await, Some(retry.clone()));
    assert_eq!(next(&mut events).await, bye);
    assert!(events.next().await.is_none());

    let mut late = pin!(listen(&site, LOCAL));
    assert_eq!(next(&mut late).await.0, "hello");
    assert_eq!(late.next().await, Some(retry));
    assert_eq!(next(&mut late).await, bye);
    assert!(late.next().await.is_none());
    assert_eq!(answer(&site, "/readyz").status, 503);
}

#[tokio::test]
async fn a_place_that_is_left_sends_its_clients_to_the_next_one() {
    let folder = Folder::new();
    let old = folder.open().unwrap().served_at("127.0.0.1:8080".parse().unwrap());
    let mut left = pin!(listen(&old, LOCAL));
    next(&mut left).await;
    let new = old.served_at("127.0.0.1:8081".parse().unwrap());
    let mut stays = pin!(listen(&new, LOCAL));
    next(&mut stays).await;
    old.drain();

    assert!(matches!(left.next().await, Some(Event::Retry(_))));
    assert_eq!(next(&mut left).await, ("bye", r#"{"location":"http://127.0.0.1:8081/"}"#.to_owned()));
    assert!(left.next().await.is_none());
    assert_eq!(answer(&old, "/readyz").status, 503);
    let ready = answer(&new, "/readyz");
    assert_eq!(ready.status, 200);
    let body = String::from_utf8_lossy(&ready.body).into_owned();
    assert!(body.contains(r#""address":"127.0.0.1:8081""#), "{body}");
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Moved"));
    assert_eq!(next(&mut stays).await.0, "config");
}

#[tokio::test]
async fn a_client_that_falls_behind_is_cut() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let mut slow = pin!(listen(&site, LOCAL));
    let mut quick = pin!(listen(&site, LOCAL));
    next(&mut quick).await;
    for round in 0..70 {
        folder.save("config.yaml", &CONFIG.replace("Testbed", &format!("name-{round}")));
        next(&mut quick).await;
    }
    assert_eq!(next(&mut slow).await.0, "hello");
    assert!(slow.next().await.is_none(), "it was told of an edit after it had missed some");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_every_15_seconds_whatever_the_refresh_interval_is() {
    for interval in [1, 5, 86400] {
        let folder = Folder::new();
        let interval = format!("refresh_interval_seconds: {interval}");
        folder.save("config.yaml", &CONFIG.replace("refresh_interval_seconds: 5", &interval));
        let site = folder.open().unwrap();
        let mut events = pin!(listen(&site, LOCAL));
        assert!(matches!(events.next().await, Some(Event::Message("hello", _))));
        for _ in 0..3 {
            let since = tokio::time::Instant::now();
            assert_eq!(events.next().await, Some(Event::Heartbeat), "{interval}");
            assert_eq!(since.elapsed().as_secs(), 15, "{interval}");
        }
    }
}
