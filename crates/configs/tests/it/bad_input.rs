//! Every kind of bad input, at the start and as an edit.

use std::env;
use std::fmt::Write;
use std::process::Command;

use configs::{Diagnosis, Outcome, UnknownKeys};

use crate::desk::{Desk, GOOD, attempt_after, edited};

/// A document, the place at which it is wrong (line:column), and parts of the diagnosis.
struct Case {
    name: &'static str,
    config: Vec<u8>,
    place: &'static str,
    says: &'static [&'static str],
    draws_line: bool,
}

#[test]
fn every_bad_input_is_refused_at_the_start_with_its_place() {
    let found = cases().into_iter().flat_map(|case| {
        let desk = Desk::with(&case.config);
        let diagnosis = desk.builder().unwatched().attempt().expect_err(case.name);
        complaints(&case, &diagnosis)
    });
    assert_eq!(found.collect::<Vec<_>>().join("\n"), "");
}

#[test]
fn every_bad_edit_keeps_the_last_good_one_and_is_told_once() {
    let found = cases().into_iter().flat_map(|case| {
        let desk = Desk::new();
        let configs = desk.open();
        desk.save(&case.config);
        let attempt = attempt_after(&configs, 1);
        assert_eq!(attempt.outcome, Outcome::Rejected, "{}", case.name);
        assert_eq!((attempt.generation, configs.load().generation()), (1, 1), "{}", case.name);
        assert_eq!(configs.load().port, 8080, "{}", case.name);
        assert_eq!(configs.history().len(), 2, "{}", case.name);
        complaints(&case, attempt.error.as_ref().expect(case.name))
    });
    assert_eq!(found.collect::<Vec<_>>().join("\n"), "");
}

/// As at the limit of threads: the system has no room for a stack of this size. Without a thread no change would ever be noticed.
#[test]
fn without_a_thread_to_watch_the_start_is_refused() {
    if env::var_os("CONFIGS_TEST_ALONE").is_none() {
        let test =
            ["--exact", "bad_input::without_a_thread_to_watch_the_start_is_refused", "--test-threads=1"];
        let mut alone = Command::new(env::current_exe().unwrap());
        alone.args(test).env("CONFIGS_TEST_ALONE", "1").env("RUST_MIN_STACK", "140737488355328");
        let output = alone.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        return assert!(said.contains("1 passed"), "{said}");
    }
    let diagnosis = Desk::new().builder().open().expect_err("the start is refused");
    assert!(diagnosis.to_string().contains("the system refused a thread"), "{diagnosis}");
}

#[test]
fn going_back_to_the_last_good_text_changes_no_op() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save("port: [");
    assert_eq!(attempt_after(&configs, 1).outcome, Outcome::Rejected);
    desk.save(GOOD);
    let attempt = attempt_after(&configs, 2);
    assert_eq!((attempt.outcome, attempt.generation), (Outcome::Unchanged, 1));
}

#[test]
fn all_violations_are_told_at_once_in_the_order_of_the_lines() {
    let config = GOOD
        .replace("app_name: MyRustApp", "app_name: ''")
        .replace("info", "loud")
        .replace("seconds: 5", "seconds: 0")
        + "routes: {first: x, second: x}\nhost: example.com\n";
    let diagnosis = Desk::with(config).builder().open().map(drop).expect_err("five violations");
    let paths: Vec<_> = diagnosis.problems().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "app_name",
            "settings.log_level",
            "settings.refresh_interval_seconds",
            "routes.first",
            "routes.second",
            "host"
        ]
    );
}

#[test]
fn unknown_keys_may_be_tolerated_but_not_those_of_overrides() {
    let desk = Desk::with(format!("{GOOD}colour: blue\n"));
    let tolerant = || desk.builder().unknown_keys(UnknownKeys::Warn);
    assert_eq!(tolerant().open().unwrap().load().port, 8080);
    for diagnosis in [
        tolerant().set("prot=1").unwrap().open().map(drop).expect_err("a flag"),
        tolerant().environment_from("APP", [("APP__PROT", "1")]).open().map(drop).expect_err("a variable"),
    ] {
        assert!(diagnosis.message().contains("names no key"), "{diagnosis}");
        assert!(diagnosis.message().contains("did you mean `port`?"), "{diagnosis}");
    }
}

#[test]
fn keys_that_begin_with_x_are_ignored_at_every_level() {
    let config =
        GOOD.replace("settings:\n", "settings:\n  x-note: [1, {a: b}]\n") + "x-any: 1\nroutes: {x-r: [1]}\n";
    let desk = Desk::with(config);
    let configs = desk.open();
    assert!(configs.load().routes.is_empty());
    assert_eq!(configs.load().digest(), Desk::new().open().load().digest());
}

#[test]
fn what_is_no_file_is_named_for_what_it_is() {
    let desk = Desk::new();
    let open = |name: &str| desk.builder().file(desk.file(name)).open().map(drop).expect_err(name).message();
    std::fs::create_dir(desk.file("folder")).unwrap();
    assert!(open("folder").contains("directory"), "{}", open("folder"));
    assert!(open("absent").contains("missing"), "{}", open("absent"));
    let made = Command::new("mkfifo").arg(desk.file("fifo")).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(open("fifo").contains("expected a regular file"), "{}", open("fifo"));
    }
}

#[test]
fn a_drawing_shows_the_line_and_marks_the_value() {
    let desk = Desk::with(edited("seconds: 5", "seconds: 0  # hunter2"));
    let drawn = desk.builder().open().map(drop).expect_err("zero").render();
    for piece in ["config.yaml:12:29", "12 |   refresh_interval_seconds: 0\n", "^", "from 1 to 86400"] {
        assert!(drawn.contains(piece), "{piece} in\n{drawn}");
    }
    assert!(!drawn.contains("hunter2") && !drawn.contains("feature_flag_a"), "{drawn}");
}

#[test]
fn the_public_words_hold_no_value_and_no_folder() {
    let desk = Desk::with(edited("port: 8080", "port: 70777"));
    let diagnosis = desk.builder().open().map(drop).expect_err("too high");
    assert!(diagnosis.message().contains("70777"), "{diagnosis}");
    assert_eq!(diagnosis.public(), "config.yaml:2:7: port: expected a port from 1 to 65535");
    let routes = Desk::with(format!("{GOOD}routes: {{hidden/path: x}}\n"));
    let diagnosis = routes.builder().open().map(drop).expect_err("no slash");
    assert_eq!(diagnosis.public(), "config.yaml:13:23: routes: the value is not accepted");
}

/// The differences between a diagnosis and the case.
fn complaints(case: &Case, diagnosis: &Diagnosis) -> Vec<String> {
    let (message, drawn) = (diagnosis.message(), diagnosis.render());
    let place = format!("config.yaml:{}", case.place);
    let mut complaints = Vec::new();
    for words in case.says.iter().copied().chain([place.as_str()]) {
        if !message.contains(words) {
            complaints.push(format!("`{words}` is not in {message}"));
        }
    }
    if !drawn.contains(&place) || drawn.contains(" | ") != case.draws_line {
        complaints.push(format!("drawn:\n{drawn}"));
    }
    for shown in [&message, &diagnosis.public(), &drawn, &format!("{diagnosis:?}")] {
        if shown.contains("hunter2") {
            complaints.push(format!("a secret in {shown}"));
        }
    }
    if message.contains('\n') {
        complaints.push(format!("several lines: {message}"));
    }
    complaints.into_iter().map(|complaint| format!("{}: {complaint}", case.name)).collect()
}

/// One case a line.
#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let case = |name, config: String, place, says| Case {
        name,
        config: config.into_bytes(),
        place,
        says,
        draws_line: false,
    };
    let line =
        |name, config: String, place, says| Case { draws_line: true, ..case(name, config, place, says) };
    let added = |text: &str| format!("{GOOD}{text}\n");
    let bomb = (1..10).fold("x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned(), |mut bomb, level| {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "x-{level}: &a{level} [{}]", vec![alias; 9].join(", "));
        bomb
    });
    let list = |items: usize| format!("[{}1]", "1, ".repeat(items));
    let anchors = (0..55).fold(list(30_000), |inner, level| format!("&a{level} [{inner}]"));
    let texts = format!("x-a: &a {}\nx-b: [{}1]\n", "a".repeat(900_000), "*a, ".repeat(999));
    let paths = (0..10).fold(list(10_000), |inner, _| format!("{{{}: {inner}}}", "k".repeat(1000)));
    let without = |line: &str| GOOD.replace(line, "");
    vec![
        case("unclosed", edited("port: 8080", "port: [8080"), "", &["not YAML"]),
        case("tab", edited("  host:", "\thost:"), "4:2", &["not YAML", "tabs"]),
        case("bad character", edited("hunter2-secret", "@hunter2"), "7:13", &["not YAML"]),
        line("wrong type", edited("port: 8080", "port: eighty"), "2:7", &["port: expected a port from 1 to 65535, found `eighty`"]),
        line("quoted number", edited("port: 8080", "port: \"8080\""), "2:7", &["found the text `8080`", "without the quotes"]),
        line("negative port", edited("port: 8080", "port: -1"), "2:7", &["from 1 to 65535, found `-1`"]),
        line("fraction", edited("port: 8080", "port: 80.5"), "2:7", &["from 1 to 65535, found `80.5`"]),
        line("port 0", edited("port: 8080", "port: 0"), "2:7", &["from 1 to 65535, found `0`", "override"]),
        line("port 65536", edited("port: 8080", "port: 65536"), "2:7", &["from 1 to 65535, found `65536`"]),
        line("database port 0", edited("port: 5432", "port: 0"), "5:9", &["database.port", "from 1 to 65535, found `0`"]),
        line("yes", edited("flag_a: true", "flag_a: yes"), "11:19", &["expected `true` or `false`, found `yes`", "write `true`"]),
        line("True", edited("flag_a: true", "flag_a: True"), "11:19", &["expected `true` or `false`", "write `true`"]),
        case("map for text", edited("app_name: MyRustApp", "app_name: {a: 1}"), "1:11", &["app_name: expected text, found a map"]),
        case("list for map", edited("  log_level: info\n  feature_flag_a: true\n  refresh_interval_seconds: 5\n", "  - 1\n"), "10:3", &["settings: expected a map of keys, found a list"]),
        case("nothing for text", edited("app_name: MyRustApp", "app_name:"), "1:9", &["app_name: expected text, found nothing"]),
        case("unknown key", edited("port: 8080", "prot: 8080"), "2:1", &["prot: unknown key", "did you mean `port`?"]),
        case("unknown nested key", edited("log_level: info", "loglevel: info"), "10:3", &["settings.loglevel: unknown key", "did you mean `log_level`?"]),
        case("duplicate key", added("port: 8081"), "13:1", &["the key `port` is given twice; the first is on line 2"]),
        case("duplicate nested key", edited("log_level: info", "log_level: info\n  log_level: warn"), "11:3", &["settings.log_level", "twice"]),
        line("refresh 0", edited("seconds: 5", "seconds: 0"), "12:29", &["from 1 to 86400, found `0`"]),
        line("refresh 86401", edited("seconds: 5", "seconds: 86401"), "12:29", &["from 1 to 86400, found `86401`"]),
        line("refresh huge", edited("seconds: 5", "seconds: 99999999999"), "12:29", &["from 1 to 86400"]),
        line("pool of 0", edited("  name: myapp_db", "  name: myapp_db\n  pool_size: 0"), "9:14", &["database.pool_size: expected", "a whole number from 1 to 1000, found `0`"]),
        line("pool of 1001", edited("  name: myapp_db", "  name: myapp_db\n  pool_size: 1001"), "9:14", &["database.pool_size: expected", "from 1 to 1000, found `1001`"]),
        line("pool as text", edited("  name: myapp_db", "  name: myapp_db\n  pool_size: many"), "9:14", &["database.pool_size: expected", "from 1 to 1000, found `many`"]),
        line("half a connection", edited("  name: myapp_db", "  name: myapp_db\n  pool_size: 1.5"), "9:14", &["database.pool_size: expected", "from 1 to 1000, found `1.5`"]),
        line("leak 0", edited("  name: myapp_db", "  name: myapp_db\n  leak_after: 0"), "9:15", &["database.leak_after: expected", "a whole number of seconds from 1 to 86400, found `0`"]),
        line("leak 86401", edited("  name: myapp_db", "  name: myapp_db\n  leak_after: 86401"), "9:15", &["database.leak_after: expected", "from 1 to 86400, found `86401`"]),
        line("leak as text", edited("  name: myapp_db", "  name: myapp_db\n  leak_after: soon"), "9:15", &["database.leak_after: expected", "from 1 to 86400, found `soon`"]),
        line("leak with a unit", edited("  name: myapp_db", "  name: myapp_db\n  leak_after: 30s"), "9:15", &["database.leak_after: expected", "from 1 to 86400, found `30s`"]),
        line("empty name", edited("app_name: MyRustApp", "app_name: ''"), "1:11", &["app_name: expected 1 to 200 characters"]),
        case("long name", edited("MyRustApp", &"é".repeat(201)), "1:11", &["app_name: expected 1 to 200 characters"]),
        line("log level", edited("log_level: info", "log_level: verbose"), "10:14", &["expected a log level, found `verbose`"]),
        line("host", added("host: example.com"), "13:7", &["an IP address or `localhost`, found `example.com`"]),
        line("route without slash", added("routes:\n  ping: pong"), "14:9", &["routes.ping", "begins with `/`"]),
        case("empty document", String::new(), "1:1", &["empty"]),
        case("only a comment", "# nothing\n".to_owned(), "1:1", &["empty"]),
        case("only null", "~\n".to_owned(), "1:1", &["empty"]),
        case("a list", "- a\n- b\n".to_owned(), "1:1", &["expected a map of keys, found a list"]),
        case("a text", "hunter2\n".to_owned(), "1:1", &["expected a map of keys, found text"]),
        case("lacks name", without("app_name: MyRustApp\n"), "1:1", &["app_name: required, but missing"]),
        case("lacks database.name", without("  name: myapp_db\n"), "3:1", &["database.name: required, but missing"]),
        case("lacks everything", "x-a: 1\n".to_owned(), "1:1", &["required, but missing"]),
        case("empty section", added("").replace("database:\n  host: localhost\n  port: 5432\n  user: admin\n  password: hunter2-secret\n  name: myapp_db\n", "database:\n"), "3:1", &["database.host: required, but missing"]),
        case("second document", added("---\nport: 1"), "13:1", &["second document"]),
        case("bomb", format!("{bomb}{GOOD}"), "", &["aliases"]),
        case("nested anchors", added(&format!("x-a: {anchors}")), "13:", &["too large", "anchors"]),
        case("a long text, copied often", added(&texts), "14:", &["too large", "aliases"]),
        case("long paths", added(&format!("x-a: {paths}")), "13:", &["too large", "paths"]),
        case("deep", added(&format!("x-deep: {}{}", "[".repeat(70), "]".repeat(70))), "13:", &["nested too deep, expected at most 64"]),
        case("very deep", added(&format!("x-deep: {}", "[".repeat(100_000))), "13:", &["64"]),
        case("merge key", added("x-a: &a 1\nlimits: {<<: *a}"), "14:14", &["expected a map to merge"]),
        case("tag", edited("port: 8080", "port: !port 8080"), "2:", &["tags"]),
        case("unknown alias", edited("port: 8080", "port: *hunter2"), "2:", &["not YAML"]),
        case("circular alias", added("x-a: &a [*a]"), "13:10", &["within its own anchor"]),
        case("complex key", added("? [a]\n: b"), "13:3", &["expected a key"]),
        case("too large", added(&format!("x-a: {}", "a".repeat(1024 * 1024))), "", &["too large"]),
        Case { name: "not UTF-8", config: [GOOD.as_bytes(), b"x-a: \xff\n"].concat(), place: "13:6", says: &["UTF-8"], draws_line: false },
        case("short token", added("admin_token: seven77"), "13:14", &["admin_token: expected at least 8 characters"]),
        line("limit", added("limits:\n  requests_per_second: -1"), "14:24", &["limits.requests_per_second: expected a whole number from 0 to 4294967295, found `-1`"]),
        line("maintenance", added("maintenance: maybe"), "13:14", &["maintenance: expected `true` or `false`"]),
        line("revision", added("revision: new"), "13:11", &["revision: expected a whole number"]),
        line("sha256", added("upgrade:\n  sha256: abc"), "14:11", &["upgrade.sha256: expected 64 hexadecimal digits"]),
        line("digest without a plugin", added(&format!("plugins:\n  sha256: {}", "0".repeat(64))), "14:11", &["plugins.sha256: expected a library in `plugins.greeter`, to which this digest belongs"]),
        line("public key", added("upgrade:\n  public_key: RWQabc"), "14:15", &["minisign"]),
    ]
}
