//! No message shows a secret, whatever is wrong beside it.

use configs::{AppConfig, Attempt, Configs, Diagnosis, Outcome, Rejection, UnknownKeys};
use secrecy::ExposeSecret;

use crate::desk::{Desk, GOOD, attempt_after, edited, until};

const PASSWORD: &str = "password: hunter2-secret";

/// Mistakes at, in and beside a secret. All secrets contain `hunter`.
fn mistakes() -> Vec<(&'static str, String)> {
    let database = "database:\n  host: localhost\n  port: 5432\n  user: admin\n  password: hunter2-secret\n  name: myapp_db\n";
    let at = |instead: &str| edited(PASSWORD, instead);
    let flow = |flow: &str| edited(database, &format!("database: {flow}\n"));
    vec![
        ("misspelt", at("pasword: hunter2")),
        ("misspelt, far off", at("passphrase: hunter2")),
        ("a secret for a key", at("\"hunter2 as a key\": x")),
        ("colon forgotten", at("password hunter2")),
        ("blank forgotten", at("password:hunter2")),
        ("equals sign", at("password=hunter2: 1")),
        ("list", at("password: [hunter2]")),
        ("map", at("password: {hunter2: hunter3}")),
        ("nothing, then misspelt", at("password:\n  pass: hunter2")),
        ("given twice", at("password: hunter2\n  password: hunter3")),
        ("both", at("password: hunter2\n  password_file: hunter3")),
        ("secret in place of its file", at("password_file: hunter2")),
        ("list of files", at("password_file: [hunter2]")),
        ("bad start", at("password: @hunter2")),
        ("bad start, percent", at("password: %hunter2")),
        ("unclosed quote", at("password: \"hunter2")),
        ("text after quote", at("password: \"hunter2\"hunter3")),
        ("unknown escape", at("password: \"\\hunter2\"")),
        ("unknown alias", at("password: *hunter2")),
        ("tag", at("password: !hunter2 x")),
        (
            "anchor, wrong use",
            at("password: &p hunter2").replace("port: 5432", "port: 1").replace("port: 8080", "port: &p2 x"),
        ),
        ("through an alias", format!("x-secret: &s hunter2\n{}", edited("port: 8080", "port: *s"))),
        (
            "alias from the secret",
            at("password: &s hunter2").replace("feature_flag_a: true", "feature_flag_a: *s"),
        ),
        ("block", at("password: |\n    hunter2\n    hunter3\n  x: y")),
        ("over two lines", at("password: hunter2\n    hunter3\n  prot: 1")),
        ("indented too far", at("user2: x\n    password: hunter2")),
        ("swallowed by the line before", edited("log_level: info", "log_level: info\n    password=hunter2")),
        ("not indented", at("").replace("settings:", "password: hunter2\nsettings:")),
        ("one line, misspelt", flow("{host: h, port: 1, user: u, pasword: hunter2, name: n}")),
        ("one line, wrong type beside", flow("{host: h, port: x, user: u, password: hunter2, name: n}")),
        ("one line, out of range beside", flow("{host: h, port: 0, user: u, password: hunter2, name: n}")),
        ("one line, unknown beside", flow("{host: h, prot: 1, user: u, password: hunter2, name: n}")),
        ("one line, missing beside", flow("{host: h, user: u, password: hunter2, name: n}")),
        ("one line, given twice", flow("{host: h, host: h, port: 1, user: u, password: hunter2, name: n}")),
        ("one line, broken", flow("{host: h, port: 1, user: u, password: hunter2, name: n")),
        ("a URL for the map", flow("postgres://admin:hunter2@localhost/db")),
        ("a list for the map", flow("[hunter2]")),
        ("comment beside", edited("port: 8080", "port: x # was hunter2")),
        ("secret in a wrong value", edited("port: 8080", "port: hunter2-secret")),
        (
            "secret as a route",
            edited("app_name: MyRustApp", "app_name: MyRustApp\nroutes: {hunter2-secret: x}"),
        ),
        ("secret as a name", edited("app_name: MyRustApp", "app_name: MyRustApp\nhunter2-secret: 1")),
        ("short token", format!("{GOOD}admin_token: hunter\n")),
        ("token as list", format!("{GOOD}admin_token: [hunter2]\n")),
        ("misspelt token", format!("{GOOD}admin_tokn: hunter2-token\n")),
        ("second document", format!("{GOOD}---\npassword: hunter2\n")),
        ("neighbour", edited("  name: myapp_db", "  name: [myapp_db]")),
        ("missing neighbour", edited("  name: myapp_db\n", "")),
    ]
}

#[test]
fn no_mistake_shows_a_secret_at_the_start() {
    for (name, config) in mistakes() {
        for policy in [UnknownKeys::Deny, UnknownKeys::Warn] {
            let desk = Desk::with(&config);
            match desk.builder().unknown_keys(policy).unwatched().attempt() {
                Err(diagnosis) => assert_silent(name, &diagnosis),
                Ok(()) => assert_quiet(name, &desk.builder().unknown_keys(policy).open().unwrap()),
            }
        }
    }
}

#[test]
fn no_mistake_shows_a_secret_as_an_edit() {
    for (name, config) in mistakes() {
        let desk = Desk::new();
        let configs = desk.open();
        desk.save(config);
        let attempt = attempt_after(&configs, 1);
        assert_eq!(attempt.outcome, Outcome::Rejected, "{name}");
        assert_silent(name, &attempt.error.clone().expect(name));
        assert_quiet(name, &configs);
    }
}

#[test]
fn a_secret_that_an_edit_puts_in_a_wrong_place_is_known_from_before() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save(edited("port: 8080", "port: hunter2-secret").replace(PASSWORD, "password: other"));
    let error = attempt_after(&configs, 1).error.expect("no port");
    assert!(error.message().contains("expected a port from 1 to 65535, found `***`"), "{error}");
    assert_silent("moved", &error);
}

#[test]
fn no_mutilated_document_shows_a_secret_or_panics() {
    const CHARACTERS: &[u8] = b":#{}[],&*!|>'\"%@`- \n\t\r?x0~<\\=";
    let mutilators = (1..=40_usize).map(|seed| {
        std::thread::spawn(move || {
            let desk = Desk::new();
            let mut state = seed * 7919;
            let mut random = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % below
            };
            for _ in 0..25 {
                let mut text = format!("{GOOD}admin_token: &t 'hunter3-token'\nx-a: [1, *t]\nrevision: x\n")
                    .into_bytes();
                for _ in 0..=random(3) {
                    let (place, character) = (random(text.len()), CHARACTERS[random(CHARACTERS.len())]);
                    match random(3) {
                        0 => drop(text.remove(place)),
                        1 => text.insert(place, character),
                        _ => text[place] = character,
                    }
                }
                desk.save(&text);
                let text = String::from_utf8_lossy(&text);
                // A few mutilations change no value.
                let Err(diagnosis) = desk.builder().open() else { continue };
                assert!(!diagnosis.message().contains("panicked"), "{text}");
                assert_silent(&text, &diagnosis);
            }
        })
    });
    for mutilator in mutilators.collect::<Vec<_>>() {
        mutilator.join().unwrap();
    }
}

/// The control: the same assertions find a value that is no secret.
#[test]
#[should_panic(expected = "control")]
fn the_assertions_would_find_a_leak() {
    let desk = Desk::with(edited("port: 8080", "port: hunter2"));
    assert_silent("control", &desk.builder().open().map(drop).expect_err("no port"));
}

#[test]
fn a_changed_secret_is_a_change_that_reads_stars() {
    let desk = Desk::new();
    let configs = desk.open();
    let digest = configs.load().digest().to_owned();
    desk.save(edited("hunter2-secret", "hunter3-secret") + "admin_token: hunter4-token\n");
    let attempt = attempt_after(&configs, 1);
    assert_eq!(attempt.outcome, Outcome::Accepted);
    let changed = serde_json::to_string(&attempt.changed).unwrap();
    assert_eq!(
        changed,
        r#"[{"path":"admin_token","from":null,"to":"***"},{"path":"database.password","from":"***","to":"***"}]"#
    );
    assert_eq!(configs.load().database.password.expose_secret(), "hunter3-secret");
    assert_eq!(configs.load().digest(), digest, "the digest is of everything but the secrets");
    assert_quiet("changed", &configs);
}

#[test]
fn a_secret_may_stand_in_a_file_which_is_watched() {
    let desk = Desk::with(edited(PASSWORD, "password_file: password.txt"));
    desk.write("password.txt", "hunter2-from-file\n");
    let configs = desk.open();
    assert_eq!(configs.load().database.password.expose_secret(), "hunter2-from-file");

    desk.write("password.txt", "hunter3 with blanks \r\n");
    until("the new secret is in force", || configs.load().generation() == 2);
    assert_eq!(configs.load().database.password.expose_secret(), "hunter3 with blanks ");

    std::fs::remove_file(desk.file("password.txt")).unwrap();
    let attempt = attempt_after(&configs, 2);
    assert_eq!(attempt.outcome, Outcome::Rejected);
    let error = attempt.error.expect("a missing file");
    assert!(error.message().contains("database.password_file: the file that it names is missing"), "{error}");
    assert!(error.message().contains("config.yaml:7:"), "{error}");
    assert_quiet("file", &configs);
}

#[test]
fn a_secret_from_a_file_is_checked_like_any_other() {
    let desk = Desk::with(format!("{GOOD}admin_token_file: token\n"));
    for (content, said) in [
        ("hunter\n", "token:1:1: admin_token: expected at least 8 characters"),
        ("", "config.yaml:13:19: admin_token_file: the file that it names is empty"),
        ("\n", "config.yaml:13:19: admin_token_file: the file that it names is empty"),
    ] {
        desk.write("token", content);
        let diagnosis = desk.builder().open().map(drop).expect_err(content);
        assert!(diagnosis.message().contains(said), "{diagnosis}");
        assert_silent(content, &diagnosis);
    }
    desk.write("token", b"hunter2\xffhunter3");
    assert!(desk.builder().open().map(drop).expect_err("bytes").message().contains("not UTF-8"));
    desk.write("token", "hunter2".repeat(10_000));
    assert!(desk.builder().open().map(drop).expect_err("large").message().contains("too large"));
}

#[test]
fn a_higher_layer_decides_whether_the_secret_or_its_file_counts() {
    let desk = Desk::with(edited(PASSWORD, "password_file: absent.txt"));
    let configs =
        desk.builder().environment_from("APP", [("APP__DATABASE__PASSWORD", "hunter5")]).open().unwrap();
    assert_eq!(configs.load().database.password.expose_secret(), "hunter5");

    let desk = Desk::new();
    desk.write("token", "hunter6-token");
    desk.write("password", "hunter7");
    desk.write("over.yaml", "admin_token_file: token\ndatabase: {password_file: password}\n");
    let configs = desk.builder().file(desk.file("over.yaml")).open().unwrap();
    assert_eq!(configs.load().database.password.expose_secret(), "hunter7");
    let token = configs.load().admin_token.clone().expect("a token");
    assert_eq!(token.expose_secret(), "hunter6-token");

    let path = desk.file("password").display().to_string();
    let configs =
        desk.builder().environment_from("APP", [("APP__DATABASE__PASSWORD_FILE", path)]).open().unwrap();
    assert_eq!(configs.load().database.password.expose_secret(), "hunter7");
}

#[test]
fn overrides_that_are_wrong_do_not_repeat_their_values() {
    let desk = Desk::new();
    for (name, value) in [
        ("APP__PASSWORD", "hunter2"),
        ("APP__DATABASE", "hunter2"),
        ("APP__DATABASE__PASWORD", "hunter2"),
        ("APP__ADMIN_TOKEN", "hunter"),
    ] {
        let diagnosis =
            desk.builder().environment_from("APP", [(name, value)]).open().map(drop).expect_err(name);
        assert!(diagnosis.message().contains(&format!("environment {name}")), "{diagnosis}");
        assert_silent(name, &diagnosis);
    }
}

#[test]
fn what_others_say_is_searched_for_secrets() {
    let desk = Desk::new();
    let told = |config: &AppConfig| config.database.password.expose_secret().to_owned();
    let builder = desk.builder().check("names", move |config, _| {
        vec![Rejection::new("app_name", format!("not with {}", told(config)))]
    });
    let diagnosis = builder.open().map(drop).expect_err("the rule");
    assert!(diagnosis.message().contains("not with ***"), "{diagnosis}");
    assert_silent("rule", &diagnosis);

    let configs = desk.open();
    configs.on_prepare(|_, new| {
        Err(Rejection::new(
            "database.password",
            format!("`{}` is weak", new.database.password.expose_secret()),
        ))
    });
    desk.save(edited("hunter2-secret", "hunter8"));
    let error = attempt_after(&configs, 1).error.expect("the consumer");
    assert!(error.message().contains("`***` is weak"), "{error}");
    assert_silent("consumer", &error);
}

/// Found by the fuzzer: an accepted edit whose other values repeat a secret.
#[test]
fn a_secret_that_an_accepted_edit_repeats_is_masked_in_the_history() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save(edited("MyRustApp", "the hunter2-secret app"));
    let attempt = attempt_after(&configs, 1);
    assert_eq!(attempt.outcome, Outcome::Accepted);
    assert_eq!(attempt.changed[0].to, "the *** app");
    let history = changes(&configs.history());
    assert!(!history.contains("hunter"), "{history}");
}

fn assert_silent(name: &str, diagnosis: &Diagnosis) {
    for shown in [
        diagnosis.message(),
        diagnosis.public(),
        diagnosis.render(),
        format!("{diagnosis:?}"),
        format!("{diagnosis}"),
    ] {
        assert!(!shown.contains("hunter"), "{name}: {shown}");
    }
}

fn assert_quiet(name: &str, configs: &Configs<AppConfig>) {
    let history = changes(&configs.history());
    let snapshot = configs.snapshot();
    let config: &AppConfig = &snapshot;
    for shown in [history, format!("{:?}", configs.history()), format!("{configs:?} {snapshot:?} {config:?}")]
    {
        assert!(!shown.contains("hunter"), "{name}: {shown}");
    }
}

fn changes(history: &[Attempt]) -> String {
    let changed: Vec<_> = history.iter().map(|attempt| &attempt.changed).collect();
    serde_json::to_string(&changed).unwrap()
}
