use site::{BODY_LIMIT, DynamicConfig, Error};

use crate::folder::{CONFIG, Folder, request, wait_until};

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
    let refused = |path| request(&site, "GET", path, &[HOST]).1.err();
    assert_eq!(refused("/"), Some(Error::Maintenance));
    assert_eq!(refused("/unknown"), Some(Error::TooManyRequests { retry_after: 1 }));
    for exempt in ["/healthz", "/readyz", "/events", "/page.js", "/config/history", "/metrics"] {
        assert_eq!(refused(exempt), None, "{exempt}");
    }
}

#[test]
fn a_token_opens_the_guarded_routes_and_no_other() {
    let folder = Folder::new();
    folder.save("config.yaml", &format!("{CONFIG}admin_token: twelve-chars\n"));
    let site = folder.open().unwrap();
    let authorized = |path, headers: &[_]| request(&site, "GET", path, headers).0.authorized();
    for guarded in ["/config/history", "/metrics"] {
        let bearer = |token| authorized(guarded, &[HOST, ("authorization", token)]);
        assert_eq!(authorized(guarded, &[HOST]), Err(Error::Unauthorized));
        assert_eq!(bearer("Bearer twelve-char"), Err(Error::Unauthorized));
        assert_eq!(bearer("Bearer twelve-chars"), Ok(()));
    }
    let unlisted = authorized("/healthz", &[HOST, ("authorization", "Bearer twelve-chars")]);
    assert_eq!(unlisted, Err(Error::Forbidden), "a guard around a route that the site does not know refuses");
}

#[test]
fn without_a_token_only_a_local_request_passes_the_guard() {
    let site = Folder::new().open().unwrap();
    let authorized = |headers: &[_]| request(&site, "GET", "/metrics", headers).0.authorized();
    assert_eq!(authorized(&[HOST]), Ok(()));
    assert_eq!(authorized(&[("host", "example.com")]), Err(Error::Forbidden));
    assert_eq!(authorized(&[HOST, ("x-forwarded-for", "127.0.0.1")]), Err(Error::Forbidden));
}

#[test]
fn a_body_may_be_announced_up_to_the_limit() {
    let site = Folder::new().open().unwrap();
    let (limit, above) = (BODY_LIMIT.to_string(), (BODY_LIMIT + 1).to_string());
    for (length, expected) in [
        (None, Ok(())),
        (Some("0"), Ok(())),
        (Some(&*limit), Ok(())),
        (Some(&*above), Err(Error::BodyTooLarge)),
        (Some("99999999999999999999999999"), Err(Error::BodyTooLarge)),
    ] {
        let headers = [Some(HOST), length.map(|length| ("content-length", length))];
        let headers: Vec<_> = headers.into_iter().flatten().collect();
        assert_eq!(request(&site, "PUT", "/healthz", &headers).1, expected, "{length:?}");
    }
}

#[test]
fn a_request_sees_one_configuration_to_its_end() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let take = || request(&site, "GET", "/ping", &[HOST]).0;
    let before = take();
    folder.save("config.yaml", &CONFIG.replace("/ping: pong", "/ping: changed"));
    wait_until("the edit is in force", || take().configured_text().is_ok_and(|text| text == "changed"));
    assert_eq!(before.configured_text().unwrap(), "pong");
    assert_eq!((before.generation(), take().generation()), (1, 2));
}

#[test]
fn the_etag_changes_with_the_dynamic_configuration_alone() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    let first = site.config();
    let text = |config| serde_json::to_string(&DynamicConfig::new(config)).unwrap();
    assert!(text(&first).starts_with(r#"{"message":"Current dynamic config values","log_level":"info","#));
    folder.save("config.yaml", &CONFIG.replace("interval_seconds: 5", "interval_seconds: 6"));
    wait_until("the edit is in force", || site.config().generation() == 2);
    let second = site.config();
    assert_ne!(first.derived().etag(), second.derived().etag());
    assert!(second.derived().is_known_to(second.derived().etag().as_bytes()));
    assert!(!second.derived().is_known_to(first.derived().etag().as_bytes()));
}

#[test]
fn a_path_from_the_configuration_can_only_be_read() {
    let site = Folder::new().open().unwrap();
    let text = |method, path| request(&site, method, path, &[HOST]).0.configured_text();
    assert_eq!(text("HEAD", "/ping").unwrap(), "pong");
    assert_eq!(text("POST", "/ping"), Err(Error::MethodNotAllowed));
    assert_eq!(text("POST", "/healthz"), Err(Error::NotFound { path: "/healthz".to_owned() }));
}
