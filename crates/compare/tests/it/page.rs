//! The answers of the page's server.

use std::{
    fs,
    net::{TcpListener, TcpStream},
};

use conformance::{Client, Request};

use crate::{
    programs::{compare, demos},
    showing::Showing,
};

#[test]
fn the_four_sites_run_in_their_frames() {
    let showing = Showing::start();
    let frameworks = ["Axum", "Actix-web", "Warp", "Poem"];
    let demos = showing.demos();
    assert_eq!(demos.len(), frameworks.len());
    for (demo, framework) in demos.into_iter().zip(frameworks) {
        let site = Client::connect(demo).unwrap().get("/").unwrap();
        assert!(site.text().contains(&format!("{framework} Hot Reload")), "{framework}");
        assert!(site.text().contains(&demo.port().to_string()), "the page shows the port of its own demo");
        let policy = site.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'self' http://127.0.0.1:*"), "{policy}");
    }
    let policy = showing.request(&Request::get("/")).header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.contains("frame-src http://127.0.0.1:*") && policy.contains("default-src 'none'"),
        "{policy}"
    );
}

#[test]
fn an_edit_is_seen_in_all_four() {
    let showing = Showing::start();
    for name in ["value", "flag", "template", "value", "back"] {
        let shown = showing.edit(name);
        assert_eq!(shown.matches("class=\"good\"").count(), 4, "{name}: {shown}");
    }
    assert!(showing.page().contains("app_name: Edit 1"), "the page remembers");
    for demo in showing.demos() {
        let site = Client::connect(demo).unwrap().get("/").unwrap().text();
        assert!(site.contains("MyRustApp") && !site.contains("Template edit"), "it was put back");
    }
}

#[test]
fn a_bad_edit_is_refused_by_all_four_and_the_next_good_one_mends_it() {
    let showing = Showing::start();
    for (bad, place, good) in [
        ("bad-value", "config.yaml:16:29: settings.refresh_interval_seconds", "value"),
        ("bad-template", "templates/index.html:114:9: variable `a_typo_3`", "template"),
    ] {
        let shown = showing.edit(bad);
        assert_eq!(shown.matches("class=\"refused\"").count(), 4, "{shown}");
        assert_eq!(shown.matches(place).count(), 1, "all four say the same, so it is said once: {shown}");
        assert_eq!(showing.edit(good).matches("class=\"good\"").count(), 4);
    }
}

#[test]
fn an_edit_that_has_no_place_says_so_and_the_others_go_on() {
    let showing = Showing::start();
    let folders = showing.folders();
    fs::write(folders[1].join("config.yaml"), "app: x\n").unwrap();
    let shown = showing.edit("value");
    assert_eq!(
        (shown.matches("class=\"good\"").count(), shown.matches("not seen").count()),
        (3, 1),
        "{shown}"
    );
    assert!(shown.contains("actix-web: <code>`config.yaml` has no line with"), "{shown}");
    assert_eq!(showing.edit("back").matches("class=\"good\"").count(), 4);
}

#[test]
fn only_the_page_itself_is_answered() {
    let showing = Showing::start();
    let port = showing.address.port();
    let get = || Request::get("/");
    let edit = || Request::new("POST", "/edits/value");
    let own = format!("http://127.0.0.1:{port}");
    for (request, status) in [
        (get(), 200),
        (get().header("Host", &format!("localhost:{port}")), 200),
        (get().header("Host", "evil.example"), 403),
        (get().header("Host", &format!("evil.example:{port}")), 403),
        (
            get().header("Host", &format!("127.0.0.1:{port}")).header("Host", &format!("127.0.0.1:{port}")),
            403,
        ),
        (get().header("Origin", "http://evil.example"), 403),
        (edit(), 403),
        (edit().header("Origin", "http://evil.example"), 403),
        (edit().header("Origin", "null"), 403),
        (edit().header("Origin", &own).header("Origin", &own), 403),
        (Request::new("POST", "/").header("Origin", &own), 405),
        (Request::get("/edits/value"), 405),
        (Request::get("/edits/else"), 404),
        (Request::get("/page"), 404),
        (Request::new("HEAD", "/page.css"), 200),
    ] {
        let said = format!("{request:?}");
        assert_eq!(showing.request(&request).status, status, "{said}");
    }
    assert!(!showing.page().contains("app_name: Edit"), "what was refused changed nothing");
}

#[test]
fn the_code_and_the_figures_are_on_the_page() {
    let showing = Showing::start();
    let page = showing.page();
    for concern in [
        "minimal",
        "limits",
        "start",
        "state",
        "routes",
        "HTML",
        "JSON",
        "errors",
        "middleware",
        "events",
        "shutdown",
    ] {
        assert!(page.contains(&format!("<section class=\"concern\" id=\"code-{concern}\"")), "{concern}");
    }
    for part in [
        "<span class=\"keyword\">async</span>",
        "<span class=\"line differs\"",
        "<svg class=\"curve\"",
        "not offered",
        "demo-axum/examples/minimal.rs",
        "bench/peers/go/settings/settings.go",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let (minimal, start) = (page.find("code-minimal-title"), page.find("code-start-title"));
    assert!(minimal < start, "the smallest programs come first");
    for part in [
        "<code>just bench</code>",
        "A processor, 2 cores",
        "2026-11-20 15:02:11Z",
        "axum against gin",
        "<td class=\"bad\">no</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("71\u{202f}234"));
    let mut places: Vec<&str> =
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    places.sort_unstable();
    let twice: Vec<&[&str]> = places.windows(2).filter(|two| two[0] == two[1]).collect();
    assert!(places.contains(&"code-start") && places.contains(&"start") && twice.is_empty(), "{twice:?}");
    for part in ["http://", "https://", "//"] {
        let foreign = page.split([' ', '>']).find(|word| {
            let link = word.strip_prefix("src=\"").or(word.strip_prefix("href=\"")).unwrap_or_default();
            link.starts_with(part) && !link.starts_with("http://127.0.0.1:")
        });
        assert_eq!(foreign, None, "everything is there without a network");
    }
}

#[test]
fn the_demos_end_with_it() {
    let mut showing = Showing::start();
    let (demos, folders) = (showing.demos(), showing.folders());
    assert!(showing.end().success());
    for (demo, folder) in demos.into_iter().zip(folders) {
        assert!(TcpStream::connect(demo).is_err(), "{demo} is gone");
        assert!(!folder.exists(), "{} is gone", folder.display());
    }
}

#[test]
fn a_page_that_cannot_be_shown_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, words) in [
        (
            &["--port", &port, "--programs", demos().to_str().unwrap()][..],
            format!("`127.0.0.1:{port}` cannot be bound"),
        ),
        (&["--port", "0", "--programs", "/nowhere"], "`/nowhere/demo-axum` is not there".to_owned()),
    ] {
        let ended = compare().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(&words) && !said.contains("panicked"), "{said}");
    }
}
