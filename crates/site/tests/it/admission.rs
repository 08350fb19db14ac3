use site::Error;

use crate::folder::{CONFIG, Folder, visit, wait_until};

const HOST: (&str, &str) = ("host", "localhost:8080");

#[test]
fn the_checks_come_in_the_order_of_the_contract() {
    let folder = Folder::new();
    folder.save(
        "config.yaml",
        &format!(
            "{CONFIG}maintenance: true\nlimits: {{requests_per_second: 1}}\nadmin_token: twelve-chars\n"
        ),
    );
    let site = folder.open().unwrap();
    let refused =
        |method, path, headers: &[(&str, &str)]| visit(&site, method, path, headers).admitted().err();

    let large = ("content-length", "65537");
    assert_eq!(refused("GET", "/", &[HOST, large]), Some(Error::BodyTooLarge));
    assert_eq!(refused("GET", "/healthz", &[HOST, large]), Some(Error::BodyTooLarge));
    assert_eq!(refused("GET", "/", &[HOST, ("content-length", "65536")]), Some(Error::Maintenance));
    assert_eq!(refused("GET", "/", &[HOST]), Some(Error::TooManyRequests { retry_after: 1 }));
    for exempt in ["/healthz", "/readyz", "/events", "/page.js"] {
        assert_eq!(refused("GET", exempt, &[HOST]), None, "{exempt}");
    }
    for guarded in ["/config/history", "/metrics"] {
        let bearer = |token| refused("GET", guarded, &[HOST, ("authorization", token)]);
        assert_eq!(refused("GET", guarded, &[HOST]), Some(Error::Unauthorized));
        assert_eq!(bearer("Bearer twelve-char"), Some(Error::Unauthorized));
        assert_eq!(bearer("Bearer twelve-chars"), None);
        assert_eq!(refused("POST", guarded, &[HOST]), None, "the router's 405 comes before the guard");
    }
}

#[test]
fn without_a_token_only_a_local_request_passes_the_guard() {
    let site = Folder::new().open().unwrap();
    let refused = |headers: &[(&str, &str)]| visit(&site, "GET", "/metrics", headers).admitted().err();
    assert_eq!(refused(&[HOST]), None);
    assert_eq!(refused(&[("host", "example.com")]), Some(Error::Forbidden));
    assert_eq!(refused(&[HOST, ("x-forwarded-for", "127.0.0.1")]), Some(Error::Forbidden));
}

#[test]
fn a_visit_sees_one_configuration_to_its_end() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let before = visit(&site, "GET", "/ping", &[HOST]);
    folder.save("config.yaml", &CONFIG.replace("/ping: pong", "/ping: changed"));
    wait_until("the edit is in force", || {
        let now = visit(&site, "GET", "/ping", &[HOST]);
        site.configured(&now, "GET", "/ping").is_ok_and(|text| text == "changed")
    });
    assert_eq!(site.configured(&before, "GET", "/ping").unwrap(), "pong");
    assert_eq!(before.headers()[0], "1");
    assert_eq!(visit(&site, "GET", "/ping", &[HOST]).headers()[0], "2");
}

#[test]
fn a_path_from_the_configuration_can_only_be_read() {
    let site = Folder::new().open().unwrap();
    let visit = visit(&site, "POST", "/ping", &[HOST]);
    assert_eq!(site.configured(&visit, "HEAD", "/ping").unwrap(), "pong");
    assert_eq!(site.configured(&visit, "POST", "/ping"), Err(Error::MethodNotAllowed));
    assert_eq!(site.configured(&visit, "POST", "/pong"), Err(Error::NotFound { path: "/pong".to_owned() }));
}
