//! YAML, JSON and TOML.

use configs::{AppConfig, Configs};
use serde::Deserialize;

use crate::desk::{Desk, GOOD, until};

const JSON: &str = r#"{
  "app_name": "MyRustApp",
  "port": 8080,
  "database": {
    "host": "localhost",
    "port": 5432,
    "user": "admin",
    "password": "hunter2-secret",
    "name": "myapp_db"
  },
  "settings": {
    "log_level": "info",
    "feature_flag_a": true,
    "refresh_interval_seconds": 5
  }
}
"#;

const TOML: &str = r#"app_name = "MyRustApp"
port = 8080

[database]
host = "localhost"
port = 5432
user = "admin"
password = "hunter2-secret"
name = "myapp_db"

[settings]
log_level = "info"
feature_flag_a = true
refresh_interval_seconds = 5
"#;

/// The diagnosis of a document, without its folder.
fn diagnosis(name: &str, document: &str) -> String {
    let desk = Desk::new();
    desk.write(name, document);
    let refused = AppConfig::builder().file(desk.file(name)).unwatched().attempt();
    let message = refused.expect_err(document).message();
    assert!(!message.contains("hunter2"), "{message}");
    message.rsplit_once('/').map_or(message.clone(), |(_, tail)| tail.to_owned())
}

#[test]
fn the_three_formats_make_one_configuration() {
    let digest = |name: &str, document: &str| {
        let desk = Desk::new();
        desk.write(name, document);
        AppConfig::builder().file(desk.file(name)).open().unwrap().load().digest().to_owned()
    };
    let yaml = digest("config.yaml", GOOD);
    assert_eq!(digest("config.json", JSON), yaml);
    assert_eq!(digest("config.json", &JSON.replace("  ", "\t")), yaml);
    assert_eq!(digest("config.toml", TOML), yaml);
    assert_eq!(digest("config.toml", &TOML.replace('\n', "\r\n")), yaml);
}

/// Each row: the place and the edit in YAML, JSON and TOML, then the message.
#[test]
fn a_mistake_has_the_same_diagnosis_in_every_format() {
    let rows = [
        (
            ("2:7", "port: 8080", "port: 'eighty'"),
            ("3:11", r#""port": 8080"#, r#""port": "eighty""#),
            ("2:8", "port = 8080", r#"port = "eighty""#),
            "port: expected a port from 1 to 65535, found the text `eighty`",
        ),
        (
            ("12:29", "seconds: 5", "seconds: 0"),
            ("14:33", r#"seconds": 5"#, r#"seconds": 0"#),
            ("14:28", "seconds = 5", "seconds = 0"),
            "settings.refresh_interval_seconds: expected a whole number of seconds from 1 to 86400, found `0`",
        ),
        (
            ("10:3", "log_level", "log_levle"),
            ("12:5", "log_level", "log_levle"),
            ("12:1", "log_level", "log_levle"),
            "settings.log_levle: unknown key (did you mean `log_level`?)",
        ),
        (
            ("3:1", "  user: admin\n", ""),
            ("4:3", "    \"user\": \"admin\",\n", ""),
            ("4:2", "user = \"admin\"\n", ""),
            "database.user: required, but missing",
        ),
        (
            ("11:19", "a: true", "a: [1]"),
            ("13:23", r#"a": true"#, r#"a": [1]"#),
            ("13:18", "a = true", "a = [1]"),
            "settings.feature_flag_a: expected `true` or `false`, found a list",
        ),
        (
            ("2:7", "port: 8080", "port: 70000"),
            ("3:11", r#""port": 8080"#, r#""port": 70000"#),
            ("2:8", "port = 8080", "port = 70000"),
            "port: expected a port from 1 to 65535, found `70000`",
        ),
        (
            ("8:3", "  password: hunter2-secret\n", "  password: hunter2-secret\n  password_file: x\n"),
            (
                "8:35",
                "    \"password\": \"hunter2-secret\",\n",
                "    \"password\": \"hunter2-secret\", \"password_file\": \"x\",\n",
            ),
            (
                "9:1",
                "password = \"hunter2-secret\"\n",
                "password = \"hunter2-secret\"\npassword_file = \"x\"\n",
            ),
            "database.password_file: both `password` and `password_file` are given, expected one (remove one of the two)",
        ),
    ];
    for (yaml, json, toml, message) in rows {
        for (name, document, (place, from, to)) in
            [("config.yaml", GOOD, yaml), ("config.json", JSON, json), ("config.toml", TOML, toml)]
        {
            assert!(document.contains(from), "{name}: {from}");
            let found = diagnosis(name, &document.replacen(from, to, 1));
            assert_eq!(found, format!("{name}:{place}: {message}"));
        }
    }
}

#[test]
fn a_key_given_twice_is_named_with_the_line_of_the_first() {
    let toml = TOML.replace("[settings]", "[settings]\nhost = 'x'");
    for (name, document, place, path, key, first) in [
        ("config.yaml", GOOD.replace("8080", "8080\nport: 1"), "3:1", "port", "port", 2),
        ("config.json", JSON.replace("8080,", "8080,\n\"port\": 1,"), "4:1", "port", "port", 3),
        ("config.toml", TOML.replace("8080", "8080\nport = 1"), "3:1", "port", "port", 2),
        ("config.yaml", GOOD.replace("  name:", "  user: x\n  name:"), "8:3", "database.user", "user", 6),
        (
            "config.toml",
            TOML.replace("name = \"my", "user = 'x'\nname = \"my"),
            "9:1",
            "database.user",
            "user",
            7,
        ),
        ("config.toml", format!("{TOML}[database]\n"), "15:2", "database", "database", 4),
        ("config.toml", format!("{TOML}a.b = 1\na = 2\n"), "16:1", "settings.a", "a", 15),
    ] {
        let message = format!("{path}: the key `{key}` is given twice; the first is on line {first}");
        assert_eq!(diagnosis(name, &document), format!("{name}:{place}: {message} (remove one of the two)"));
    }
    // The first one may be one of two: it is not guessed.
    let found = diagnosis(
        "config.toml",
        &format!("{toml}[limits]\nrequests_per_second = 1\nx = {{host = 1, host = 2}}\n"),
    );
    assert!(found.ends_with(": the key `host` is given twice (remove one of the two)"), "{found}");
}

#[test]
fn what_is_not_the_format_is_named_with_its_place() {
    let deep = format!("x = {}", "[".repeat(70) + &"]".repeat(70));
    let keys = format!("x{} = 1", ".a".repeat(70));
    let large = format!("x = [{}1]", "1,".repeat(300_000));
    for (name, document, place, said) in [
        ("config.json", JSON.replace("8080,", "8080"), "4:13", "this is not JSON"),
        ("config.json", JSON.replace("8080", "[8080"), "", "this is not JSON"),
        ("config.json", JSON.replace("\"port\": 8080,", "\"port\": 1, \"port\": 2,"), "3:14", "given twice"),
        (
            "config.json",
            JSON.replace("8080,", "8080, # \u{e9}"),
            "3:17",
            "this is not JSON: key must be a string",
        ),
        ("config.json", JSON.replace("8080", "'\u{e9}' "), "3:11", "this is not JSON: expected value"),
        (
            "config.json",
            JSON.replace("seconds\": 5", "seconds\": 5,"),
            "15:3",
            "this is not JSON: key must be a string",
        ),
        ("config.toml", TOML.replace("8080", ""), "2:8", "this is not TOML"),
        ("config.toml", TOML.replace("8080", "@hunter2"), "2:8", "this is not TOML"),
        ("config.toml", TOML.replace("8080", "8080\nport = 1"), "3:1", "port: the key `port` is given twice"),
        (
            "config.toml",
            TOML.replace(
                "port = 8080",
                &format!("x-a = {{b = [{}], c = 1}}\nport = 0", "'\u{e9}', ".repeat(500)),
            ),
            "3:8",
            "port: expected a port",
        ),
        (
            "config.toml",
            format!("settings = {{x-a = [{}], prot = 1}}", "'\u{e9}', ".repeat(500)),
            "1:2523",
            "settings.prot",
        ),
        ("config.toml", String::new(), "1:1", "the document is empty"),
        ("config.toml", "# nothing\n".to_owned(), "1:1", "the document is empty"),
        ("config.toml", deep, "1:", "64"),
        ("config.toml", keys, "1:", "64"),
        ("config.toml", large, "1:1", "too large, expected at most 250000 values"),
    ] {
        let found = diagnosis(name, &document);
        assert!(found.starts_with(&format!("{name}:{place}")) && found.contains(said), "{found}");
    }
}

#[test]
fn a_wrong_format_is_named() {
    for (name, document, hint) in [
        ("config.yaml", TOML, "this looks like TOML: its name should end with `.toml`"),
        ("config.yaml", "[database]\nhost = \"localhost\"\n", "this looks like TOML"),
        ("config.toml", GOOD, "this looks like YAML: its name should end with `.yaml`"),
        ("config.toml", JSON, "this looks like JSON: its name should end with `.json`"),
        ("config.json", TOML, "this looks like TOML"),
        ("config.json", GOOD, "this looks like YAML: its name should end with `.yaml`"),
    ] {
        let found = diagnosis(name, document);
        assert!(found.contains(hint), "{found}");
    }
}

#[test]
fn layers_may_have_any_format_and_are_followed() {
    let desk = Desk::new();
    desk.write(
        "over.toml",
        "port = 9000\ndatabase.password_file = \"secret\"\nsettings.log_level = \"warn\"\n",
    );
    desk.write("secret", "from-a-file\n");
    desk.write(
        "top.json",
        "{\"settings\": {\"log_level\": \"debug\"}, \"routes\": {\"/a\\/b\": \"\\u00e9 \\ud83e\\udd80 \\\\ud83e\"}}",
    );
    let configs = desk.builder().file(desk.file("over.toml")).file(desk.file("top.json")).open().unwrap();
    let now = configs.snapshot();
    assert_eq!((now.port, now.settings.log_level.as_str()), (9000, "debug"));
    assert_eq!(now.routes["/a/b"], "\u{e9} \u{1f980} \\ud83e");
    assert_eq!(configs::ExposeSecret::expose_secret(&now.database.password), "from-a-file");
    desk.write("over.toml", "port = 9001\n");
    until("the edit of the TOML file is in force", || configs.load().port == 9001);
    desk.write("top.json", "{}");
    until("the edit of the JSON file is in force", || configs.load().settings.log_level == "info");
}

#[test]
fn a_column_behind_an_escaped_emoji_is_that_of_the_file() {
    let crab = "\\ud83e\\udd80";
    for (text, line, column) in [
        (format!("{{\"x-a\": \"{crab}\", \"port\": \"x\"}}"), 1, 33),
        (format!("{{\"x-a\": \"{crab} {crab}\",\r\n \"x-b\": \"{crab}\", \"port\": \"x\"}}"), 2, 33),
        (format!("{{\"x-a\": \"{crab}\",\n \"port\": \"x\"}}"), 2, 10),
        (format!("{{\"x-a\": \"{crab}\", \"port\": 1, \"port\": 2}}"), 1, 36),
    ] {
        let desk = Desk::new();
        desk.write("over.json", &text);
        let diagnosis = desk.builder().file(desk.file("over.json")).open().map(drop).expect_err("it is bad");
        assert!(diagnosis.message().contains(&format!("over.json:{line}:{column}: ")), "{text}: {diagnosis}");
    }
    let desk = Desk::new();
    desk.write("over.json", format!("{{\"x-a\": \"{crab}\",\n \"port\":  \"x\"}}"));
    let diagnosis = desk.builder().file(desk.file("over.json")).open().map(drop).expect_err("it is bad");
    let shown = " \"port\":  \"x\"\n  |           ^^^";
    assert!(diagnosis.render().contains(shown), "the line as it is in the file: {}", diagnosis.render());
}

#[test]
fn every_kind_of_toml_value_is_read() {
    #[derive(Deserialize)]
    struct Kinds {
        hex: u32,
        large: i64,
        ratio: f64,
        endless: f64,
        day: String,
        text: String,
        list: Vec<u8>,
        inline: Pair,
        dotted: Pair,
        tables: Vec<Pair>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        a: u8,
        b: u8,
    }
    let desk = Desk::new();
    desk.write(
        "kinds.toml",
        "hex = 0xff\nlarge = -1_000\nratio = 1e3\nendless = inf\nday = 1979-05-27\ntext = \"\"\"\ntwo\nlines\"\"\"\n\
         list = [1, 2]\ninline = {a = 1, b = 2}\ndotted.a = 3\ndotted.b = 4\n[[tables]]\na = 5\nb = 6\n[[tables]]\na = 7\nb = 8\n",
    );
    let kinds = Configs::<Kinds>::builder().file(desk.file("kinds.toml")).open().unwrap();
    let kinds = kinds.load();
    assert_eq!((kinds.hex, kinds.large), (255, -1000));
    assert!((kinds.ratio - 1000.0).abs() < f64::EPSILON && kinds.endless.is_infinite());
    assert_eq!((kinds.day.as_str(), kinds.text.as_str()), ("1979-05-27", "two\nlines"));
    assert_eq!(kinds.list, [1, 2]);
    assert_eq!((&kinds.inline, &kinds.dotted), (&Pair { a: 1, b: 2 }, &Pair { a: 3, b: 4 }));
    assert_eq!(kinds.tables, [Pair { a: 5, b: 6 }, Pair { a: 7, b: 8 }]);
}

#[test]
fn no_mutilated_toml_or_json_shows_a_secret_or_panics() {
    for (name, document) in [("config.toml", TOML), ("config.json", JSON)] {
        let desk = Desk::new();
        for cut in (0..document.len()).step_by(3) {
            for sign in ["", "\"", "[", "=", "\n"] {
                desk.write(name, format!("{}{sign}{}", &document[..cut], &document[cut + 1..]));
                let Err(refused) = AppConfig::builder().file(desk.file(name)).unwatched().attempt() else {
                    continue;
                };
                for shown in [refused.message(), refused.public(), refused.render(), format!("{refused:?}")] {
                    let secret = shown.contains("hunter2") || shown.contains("unter2-s");
                    assert!(!secret, "{cut} {sign:?}: {shown}");
                }
            }
        }
    }
}

#[test]
fn a_merge_key_adds_the_keys_that_a_map_does_not_have() {
    #[derive(Deserialize)]
    struct Pools {
        first: Pool,
        second: Pool,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Pool {
        host: String,
        size: u8,
    }
    let desk = Desk::new();
    let base = "x-base: &base {host: db, size: 1}\nx-other: &other {host: other, size: 2}\n";
    let text = format!("{base}first: {{size: 5, <<: *base}}\nsecond:\n  <<: [*other, *base]\n  host: own\n");
    desk.write("pools.yaml", text);
    let pools = Configs::<Pools>::builder().file(desk.file("pools.yaml")).open().unwrap();
    let pools = pools.load();
    assert_eq!(pools.first, Pool { host: "db".to_owned(), size: 5 });
    assert_eq!(pools.second, Pool { host: "own".to_owned(), size: 2 });
}

#[test]
fn a_merge_key_that_merges_no_map_is_rejected() {
    for (text, place, said) in [
        ("x-base: &base 5\n<<: *base\n", "2:5", "expected a map to merge, or a list of maps"),
        ("x-base: &base {port: 1}\n<<: [*base, 5]\n", "2:5", "expected a map to merge, or a list of maps"),
        ("x-base: &base {prot: 1}\n<<: *base\n", "2:5", "prot: unknown key (did you mean `port`?)"),
        (
            "x-base: &base {port: 1}\n<<: *base\n<<: *base\n",
            "3:1",
            "a key is given twice (remove one of the two)",
        ),
    ] {
        let found = diagnosis("config.yaml", text);
        assert!(found.starts_with(&format!("config.yaml:{place}: {said}")), "{found}");
    }
}
