use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt};
use site::Site;

use crate::folder::{CONFIG, Folder, PAGE, visit};

const LOCAL: &[(&str, &str)] = &[("host", "localhost")];
const AFAR: &[(&str, &str)] = &[("host", "example.com")];

async fn next(stream: &mut (impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin)) -> String {
    let frame = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an event in time");
    String::from_utf8(frame.expect("an event").unwrap().to_vec()).unwrap()
}

fn listen(
    site: &Site,
    headers: &[(&str, &str)],
) -> impl Stream<Item = std::io::Result<bytes::Bytes>> + use<> {
    site.events(&visit(site, "GET", "/events", headers))
}

#[tokio::test]
async fn a_client_hears_hello_then_every_change() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let mut events = pin!(listen(&site, LOCAL));
    assert_eq!(
        next(&mut events).await,
        format!(
            "event: hello\ndata: {{\"instance\":\"01234567\",\"build\":\"{}\",\"generation\":1}}\n\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Other"));
    assert_eq!(
        next(&mut events).await,
        "event: config\ndata: {\"generation\":2,\"changed\":[\"app_name\"]}\n\n"
    );
    folder.save("templates/index.html", &format!("{PAGE}more"));
    assert_eq!(next(&mut events).await, "event: template\ndata: {\"changed\":[\"index.html\"]}\n\n");
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
    assert!(
        told_here.starts_with("event: problem\ndata: {\"source\":\"config\",\"message\":\""),
        "{told_here}"
    );
    assert!(told_here.contains("port"), "{told_here}");
    assert!(!told_afar.contains("eight-oh"), "{told_afar}");

    let mut late = pin!(listen(&site, LOCAL));
    next(&mut late).await;
    assert_eq!(next(&mut late).await, told_here, "a page that is loaded now shows the problem too");

    folder.save("config.yaml", CONFIG);
    let solved = "event: solved\ndata: {\"source\":\"config\"}\n\n";
    assert_eq!(next(&mut local).await, solved);
    assert_eq!(next(&mut late).await, solved);
}

#[tokio::test]
async fn a_draining_site_says_good_bye_to_old_and_new_clients() {
    let site = Folder::new().open().unwrap().served_at("127.0.0.1:8080".parse().unwrap());
    let mut events = pin!(listen(&site, LOCAL));
    next(&mut events).await;
    site.drain();
    let bye = "event: bye\nretry: 250\ndata: {\"location\":\"http://127.0.0.1:8080/\"}\n\n";
    assert_eq!(next(&mut events).await, bye);
    assert!(events.next().await.is_none());

    let mut late = pin!(listen(&site, LOCAL));
    assert!(next(&mut late).await.starts_with("event: hello"));
    assert_eq!(next(&mut late).await, bye);
    assert!(late.next().await.is_none());
    assert_eq!(site.readyz(&visit(&site, "GET", "/readyz", LOCAL)).0, 503);
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

    assert!(next(&mut left).await.contains("\"location\":\"http://127.0.0.1:8081/\""));
    assert!(left.next().await.is_none());
    assert_eq!(old.readyz(&visit(&old, "GET", "/readyz", LOCAL)).0, 503);
    let (status, body) = new.readyz(&visit(&new, "GET", "/readyz", LOCAL));
    assert_eq!(status, 200);
    assert!(body.contains("\"address\":\"127.0.0.1:8081\""), "{body}");
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Moved"));
    assert!(next(&mut stays).await.starts_with("event: config"));
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
    assert!(next(&mut slow).await.starts_with("event: hello"));
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
        assert!(events.next().await.unwrap().unwrap().starts_with(b"event: hello"));
        for _ in 0..3 {
            let since = tokio::time::Instant::now();
            assert_eq!(events.next().await.unwrap().unwrap(), ": still here\n\n", "{interval}");
            assert_eq!(since.elapsed().as_secs(), 15, "{interval}");
        }
    }
}
