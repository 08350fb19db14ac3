//! Layers, overrides and origins.

use configs::AppConfig;

use crate::desk::{Desk, GOOD, edited, until};

#[test]
fn a_file_of_the_required_keys_alone_is_enough() {
    let configs = Desk::new().open();
    let config = configs.load();
    assert_eq!((config.host.as_str(), config.maintenance), ("127.0.0.1", false));
    assert_eq!(config.limits.requests_per_second, 0);
    assert!(config.routes.is_empty() && config.admin_token.is_none() && config.upgrade.sha256.is_none());
}

#[test]
fn flags_win_over_the_environment_which_wins_over_files_of_which_the_last_wins() {
    let desk = Desk::new();
    desk.write("over.yaml", "port: 1000\nsettings:\n  log_level: warn\n");
    let files = || AppConfig::builder().files([desk.config(), desk.file("over.yaml")]);
    let variables = [("APP__PORT", "2000"), ("APP__SETTINGS__LOG_LEVEL", "debug"), ("PATH", "/bin")];

    let configs = files().open().unwrap();
    assert_eq!((configs.load().port, configs.load().settings.log_level.as_str()), (1000, "warn"));
    assert_eq!(configs.load().settings.refresh_interval_seconds, 5, "maps merge key by key");

    let configs = files().environment_from("APP", variables).open().unwrap();
    assert_eq!((configs.load().port, configs.load().settings.log_level.as_str()), (2000, "debug"));

    let configs = files().environment_from("APP", variables).set("port=3000").unwrap().open().unwrap();
    assert_eq!((configs.load().port, configs.load().settings.log_level.as_str()), (3000, "debug"));
}

#[test]
fn an_override_stays_in_force_across_reloads() {
    let desk = Desk::new();
    let configs = desk.builder().set("port=3000").unwrap().open().unwrap();
    desk.save(edited("port: 8080", "port: 8081").replace("MyRustApp", "Renamed"));
    until("the edit is in force", || configs.load().app_name == "Renamed");
    assert_eq!(configs.load().port, 3000);
}

#[test]
fn a_mistake_in_an_override_is_named_by_it() {
    let desk = Desk::new();
    let diagnosis =
        desk.builder().environment_from("APP", [("APP__PORT", "eighty")]).open().map(drop).expect_err("no");
    assert_eq!(
        diagnosis.message(),
        "environment APP__PORT: port: expected a port from 1 to 65535, found `eighty`"
    );
    let flag = desk.builder().set("settings.log_level=loud").unwrap().open().map(drop).expect_err("no");
    assert!(
        flag.message().starts_with("--set settings.log_level: settings.log_level: expected a log level"),
        "{flag}"
    );
    assert!(desk.builder().set("port").is_err());
}

#[test]
fn port_0_is_accepted_from_an_override_alone() {
    let desk = Desk::new();
    assert_eq!(desk.builder().set("port=0").unwrap().open().unwrap().load().port, 0);
    assert_eq!(desk.builder().environment_from("APP", [("APP__PORT", "0")]).open().unwrap().load().port, 0);
    desk.save(edited("port: 8080", "port: 0"));
    assert!(desk.builder().open().is_err());
    assert_eq!(desk.builder().set("port=80").unwrap().open().unwrap().load().port, 80);
}

#[test]
fn overrides_are_plain_text() {
    let desk = Desk::new();
    for (assignment, name) in
        [("app_name=007", "007"), ("app_name=null", "null"), ("app_name=[a", "[a"), ("app_name=a=b", "a=b")]
    {
        assert_eq!(desk.builder().set(assignment).unwrap().open().unwrap().load().app_name, name);
    }
    let configs = desk.builder().set("routes./ping=pong").unwrap().open().unwrap();
    assert_eq!(configs.load().routes["/ping"], "pong");
}

#[test]
fn text_stays_as_it_was_written() {
    let desk = Desk::new();
    for (written, read) in
        [("0123", "0123"), ("12345", "12345"), ("1e3", "1e3"), ("true", "true"), ("'~'", "~"), ("1_0", "1_0")]
    {
        desk.save(edited("MyRustApp", written));
        assert_eq!(desk.open().load().app_name, read);
    }
    desk.save(edited("hunter2-secret", "0123"));
    let configs = desk.open();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&configs.load().database.password), "0123");
}

#[test]
fn the_digest_is_equal_however_the_values_are_layered_and_written() {
    let digest = |desk: &Desk| desk.open().load().digest().to_owned();
    let plain = digest(&Desk::new());
    for config in [
        format!("# a comment\n{GOOD}"),
        format!("host: \"127.0.0.1\"\nroutes:\nmaintenance: false\nrevision: ~\n{GOOD}"),
        edited("port: 8080", "port: 0x1F90"),
        edited("MyRustApp", "'MyRustApp'"),
        edited("hunter2-secret", "another"),
    ] {
        assert_eq!(digest(&Desk::with(&config)), plain, "{config}");
    }
    for config in [
        edited("port: 8080", "port: 8081"),
        edited("MyRustApp", "MyRustApp2"),
        format!("{GOOD}revision: 1\n"),
    ] {
        assert_ne!(digest(&Desk::with(&config)), plain, "{config}");
    }
    let layered = Desk::with(edited("port: 8080", "port: 1"));
    layered.write("over.yaml", "port: 8080\n");
    let configs = layered.builder().file(layered.file("over.yaml")).open().unwrap();
    assert_eq!(configs.load().digest(), plain);
}

#[test]
fn the_shipped_configuration_is_accepted_and_names_only_what_the_schema_names() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config.yaml");
    let configs = AppConfig::builder().file(shipped).open().unwrap();
    assert_eq!(configs.load().port, 8080);
}

#[test]
fn every_value_in_force_has_its_origin_and_no_secret_is_shown() {
    let desk = Desk::new();
    let builder = desk.builder().environment_from("APP", [("APP__APP_NAME", "Named")]);
    let configs = builder.set("port=3000").unwrap().open().unwrap();
    let shown = |path: &str| {
        let value =
            configs.values().into_iter().find(|value| value.path == path).unwrap_or_else(|| panic!("{path}"));
        let origin = value.origin.as_ref();
        let place = origin.map(ToString::to_string).unwrap_or_default();
        let place = place.rsplit_once('/').map_or(place.clone(), |(_, place)| place.to_owned());
        (value.value.to_string(), place, origin.map(configs::Origin::layer))
    };
    for (path, value, place, layer) in [
        ("app_name", "\"Named\"", "environment APP__APP_NAME", Some("environment")),
        ("port", "3000", "--set port", Some("flag")),
        ("database.password", "\"***\"", "config.yaml:7:13", Some("file")),
        ("settings.log_level", "\"info\"", "config.yaml:10:14", Some("file")),
        ("maintenance", "false", "built-in default", Some("default")),
    ] {
        assert_eq!(shown(path), (value.to_owned(), place.to_owned(), layer), "{path}");
    }
    assert!(!format!("{:?}", configs.values()).contains("hunter2"));

    desk.save(GOOD.replace("settings:", "# a comment\nsettings:"));
    until("the line has moved", || shown("settings.log_level").1 == "config.yaml:11:14");
    assert_eq!(configs.load().generation(), 1);
}
