use std::path::Path;
use std::time::Duration;

use super::Settings;
use crate::settings::WantedMode;

fn findings(text: &str) -> Vec<String> {
    let (_, findings) = Settings::parse(text);
    findings.iter().map(|finding| finding.say(Path::new("f"), text)).collect()
}

#[test]
fn every_kind_of_value_is_read() {
    let (settings, findings) = Settings::parse(
        r#"
        root = "web"
        [build]
        cmd = "make"
        args_bin = ["--port", "80"]
        include_ext = [".rs", "html"]
        exclude_dir = ["assets/", "**/old"]
        exclude_regex = ['_test\.go$']
        delay = 20
        kill_delay = "1.5s"
        stop_on_error = true
        [build.env]
        RUST_LOG = "debug"
        [socket]
        address = ["127.0.0.1:8080", "[::1]:8080", "localhost:9090"]
        way = "bind"
        [probation]
        time = 0
        "#,
    );
    assert_eq!(findings, []);
    assert_eq!(settings.root.as_deref(), Some(Path::new("web")));
    assert_eq!(settings.build.args, ["--port", "80"]);
    assert_eq!(settings.build.exclude_dir.unwrap()[0].glob(), "assets");
    assert_eq!(settings.build.delay, Some(Duration::from_millis(20)));
    assert_eq!(settings.build.kill_delay, Some(Duration::from_millis(1500)));
    assert_eq!(settings.build.env["RUST_LOG"], "debug");
    assert_eq!(
        settings.socket.address.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["127.0.0.1:8080", "[::1]:8080", "127.0.0.1:9090"]
    );
    assert_eq!(settings.socket.way, Some(WantedMode::Bind));
    assert_eq!(settings.probation, Some(Duration::ZERO), "zero is a value");
}

#[test]
fn values_are_read_in_every_spelling_that_air_files_have() {
    for (text, expected) in [
        ("args = [\"\"]", "args: []"),
        ("args = [\"\", \"b\"]", "args: [\"\", \"b\"]"),
        ("env = []", "env: {}"),
        ("env = [\"A=b=c\", \"D=\"]", "env: {\"A\": \"b=c\", \"D\": \"\"}"),
        ("env = { A = 1, B = true, C = 1.5 }", "env: {\"A\": \"1\", \"B\": \"true\", \"C\": \"1.5\"}"),
        ("args_bin = [\"-p\", 8080]", "args: [\"-p\", \"8080\"]"),
        ("poll = \"true\"", "poll: Some(true)"),
        ("poll_interval = \"700\"", "poll_interval: Some(700ms)"),
        ("kill_delay = \"2\"", "kill_delay: Some(2ms)"),
        ("exclude_dir = ['common\\extend']", "common/extend"),
        ("cmd = 'a'\n[build.linux]\ncmd = 'b'", "cmd: Some(\"b\")"),
        ("cmd = 'a'\n[build.linux]\ncmd = ''", "cmd: Some(\"a\")"),
        ("pre_cmd = ['a']\n[build.linux]\npre_cmd = []", "pre_cmd: []"),
        ("bin = 'a'\n[build.windows]\nbin = 'b'", "bin: Some(\"a\")"),
        ("delay = \"500\"", "delay: Some(500ms)"),
        ("rerun_cmd = true", "rerun: Some(true), rerun_delay: None, rerun_cmd: None"),
        ("rerun_cmd = false", "rerun: Some(false), rerun_delay: None, rerun_cmd: None"),
        ("rerun = false\nrerun_cmd = true", "rerun: Some(false), rerun_delay: None, rerun_cmd: None"),
        ("rerun_cmd = \"x\"", "rerun: None, rerun_delay: None, rerun_cmd: Some(\"x\")"),
    ] {
        let (settings, findings) = Settings::parse(&format!("[build]\n{text}"));
        assert_eq!(findings, [], "{text}");
        let read = format!("{:?}", settings.build);
        assert!(read.contains(expected), "{text}: {read}");
    }
}

#[test]
fn a_wrong_value_is_reported_with_its_place_and_the_expected_notation() {
    for (text, expected) in [
        ("root = 1", "f:1:8: `root` is an integer; expected a path"),
        ("[build]\ncmd = true", "f:2:7: `build.cmd` is true or false; expected a string"),
        (
            "[build]\ndelay = \"soon\"",
            "f:2:9: `build.delay` is `soon`; expected milliseconds such as 500, or a time such as \"2s\"",
        ),
        (
            "[build]\ndelay = -1",
            "f:2:9: `build.delay` is -1; expected milliseconds such as 500, or a time such as \"2s\"",
        ),
        ("[build]\nrerun = \"yes\"", "f:2:9: `build.rerun` is a string; expected true or false"),
        (
            "[build]\ninclude_ext = \"rs\"",
            "f:2:15: `build.include_ext` is a string; expected a list of strings such as [\"one\", \"two\"]",
        ),
        (
            "[build]\ninclude_ext = [\"rs\",\n  7]",
            "f:3:3: `build.include_ext` holds an integer; expected a list of strings such as [\"one\", \"two\"]",
        ),
        (
            "[build]\nexclude_regex = [\"ok\", \"(\"]",
            "f:2:24: `build.exclude_regex` holds `(`: unclosed group; expected a list of regular expressions such as \
             ['_test\\.go$']",
        ),
        (
            "[build]\nexclude_file = [\"[\"]",
            "f:2:17: `build.exclude_file` holds `[`: unclosed character class; missing ']'; expected a list of patterns \
             such as [\"*_generated.rs\"]",
        ),
        (
            "[build]\nenv = { A = [] }",
            "f:2:13: `build.env` holds a list; expected a table of strings such as { RUST_LOG = \"debug\" }",
        ),
        (
            "[build]\nenv = [\"A\"]",
            "f:2:7: `build.env` holds `A`, which has no `=`; expected a table of strings such as { RUST_LOG = \"debug\" }",
        ),
        (
            "[build]\nrerun_cmd = 1",
            "f:2:13: `build.rerun_cmd` is an integer; expected a command, or true or false",
        ),
        (
            "[build]\nargs = []\nargs_bin = []",
            "f:2:1: `build.args` is another name of `build.args_bin`; keep one of them",
        ),
        (
            "[socket]\naddress = \"8080\"",
            "f:2:11: `socket.address` is `8080`; expected an address such as \"127.0.0.1:8080\", or a list of them",
        ),
        (
            "[socket]\naddress = \"127.0.0.1:0\"",
            "f:2:11: `socket.address` is `127.0.0.1:0`, which has no port; expected an address such as \
             \"127.0.0.1:8080\", or a list of them",
        ),
        (
            "[socket]\nway = \"magic\"",
            "f:2:7: `socket.way` is `magic`; expected \"auto\", \"listen-fds\", \"bind\", \"proxy\", \"stop-first\" or \"none\"",
        ),
        (
            "[[build.rules]]\ninclude_ext = [\"css\"]",
            "f:2:1: `build.rules` has no `cmd`; expected a command such as \"templ generate\"",
        ),
        (
            "[[build.rules]]\ncmd = \"x\"",
            "f:2:1: `build.rules` names no files; expected `include_ext`, `include_dir` or `include_file`",
        ),
        (
            "[build]\nrules = 1",
            "f:2:9: `build.rules` is an integer; expected a list of tables: `[[name]]`, then a line for each key",
        ),
        (
            "[proxy]\nenabled = true\nproxy_port = 8090",
            "f:2:1: `proxy` is enabled, but it needs two ports; expected `proxy_port = 8090` and `app_port = 8080`",
        ),
        ("[proxy]\napp_port = 70000", "f:2:12: `proxy.app_port` is 70000; expected a port such as 8080"),
        ("build = 1", "f:1:9: `build` is an integer; expected a table: `[name]`, then a line for each key"),
        (
            "[color]\nmain = \"mauve\"",
            "f:2:8: `color.main` is `mauve`; expected red, green, yellow, blue, magenta, cyan, white, or raw for no colour",
        ),
    ] {
        assert_eq!(findings(text), [expected], "{text}");
    }
}

#[test]
fn all_findings_are_reported_in_the_order_of_the_file() {
    let found = findings("rot = 1\n[ready]\ntimeout = \"x\"\n[build]\ncmd = 1\nbim = 2\n");
    let places: Vec<&str> =
        found.iter().filter_map(|line| line.split_once(": `").map(|(place, _)| place)).collect();
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(places, ["f:3:11", "f:5:7"]);
    assert!(found[0].starts_with("f:1:1: unknown key `rot` is ignored; did you mean `root`?"), "{found:?}");
    assert!(
        found[3].starts_with("f:6:1: unknown key `build.bim` is ignored; did you mean `build.bin`?"),
        "{found:?}"
    );
}

#[test]
fn a_syntax_error_has_a_place_too() {
    for text in ["root = ", "root = \"a\"\nroot = \"b\"", "[build\ncmd = 1", "\u{0}"] {
        let found = findings(text);
        assert!(found.len() == 1 && found[0].starts_with("f:"), "{text:?}: {found:?}");
    }
}

/// Texts that were put together from parts of real files at random.
#[test]
fn no_text_makes_the_reader_panic() {
    const PARTS: [&str; 45] = [
        "[build]\n",
        "[run]\n",
        "[run.a]\n",
        "[run.b.socket]\n",
        "dir",
        "address",
        "[[build.rules]]\n",
        "[build.linux]\n",
        "[log]\n",
        "[color]\n",
        "[proxy]\n",
        "[screen]\n",
        "[build.env]\n",
        "cmd",
        "bin",
        "entrypoint",
        "args_bin",
        "env",
        "delay",
        "kill_delay",
        "exclude_regex",
        "exclude_dir",
        "include_ext",
        "rules",
        "main",
        "poll_interval",
        "env_files",
        "root",
        " = ",
        "=",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\n",
        "\"\"",
        "\"a b\"",
        "'('",
        "1",
        "-9223372036854775808",
        "1e999",
        "true",
        "\u{0}é\r\n",
        "# comment\n",
    ];
    let mut dice = 88_172_645_463_325_252_u64;
    let mut roll = |most: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % most as u64).unwrap()
    };
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let text: String = (0..roll(12)).map(|_| PARTS[roll(PARTS.len())]).collect();
        let (settings, findings) = Settings::parse(&text);
        for finding in &findings {
            assert!(finding.say(Path::new("f"), &text).starts_with("f:"), "{text:?}");
        }
        if findings.is_empty() {
            good += 1;
        } else {
            bad += 1;
        }
        drop(format!("{settings:?}"));
    }
    assert!(good > 100 && bad > 100, "{good} texts without and {bad} with findings");
}
