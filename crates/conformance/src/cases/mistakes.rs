//! The kinds of bad configuration: a table, long because there are many.

use crate::{Failed, Running};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fmt::Write,
    fs::{self, File},
    path::Path,
};

const SECRET: &str = "s3cret-never-shown";

/// A good configuration, whose values are found nowhere else.
pub(crate) const GOOD: &str = "\
app_name: NeighbourOne
port: 8080
database:
  host: neighbour-two
  port: 5432
  user: neighbour-three
  password: s3cret-never-shown
  name: neighbour-four
settings:
  log_level: info
  feature_flag_a: true
  refresh_interval_seconds: 5
";

/// One way to be wrong.
pub(crate) struct Mistake {
    pub(crate) name: &'static str,
    pub(crate) put: Put,
    /// The lines that the diagnosis names, if any.
    pub(crate) lines: &'static [u64],
    /// Texts that the diagnosis contains, in any case of letters.
    says: &'static [&'static str],
    /// Texts that it must not contain, besides the password.
    hides: &'static [&'static str],
}

/// The thing in the place of the file.
pub(crate) enum Put {
    Bytes(Vec<u8>),
    Directory,
    Fifo,
    Nothing,
    Sparse(u64),
}

impl Mistake {
    /// True if a diagnosis says what it has to, and hides the rest.
    pub(crate) fn judge(&self, said: &str) {
        let lower = said.to_lowercase();
        for word in self.says {
            assert!(lower.contains(&word.to_lowercase()), "`{word}` in: {said}");
        }
        self.judge_hiding(said);
    }

    pub(crate) fn judge_hiding(&self, said: &str) {
        let neighbours = ["NeighbourOne", "neighbour-two", "neighbour-three", "neighbour-four"];
        for hidden in self.hides.iter().chain(&neighbours).chain([&SECRET]) {
            assert!(!said.contains(hidden), "`{hidden}` in: {said}");
        }
    }
}

impl Put {
    pub(crate) fn at(&self, path: &Path) -> Result<(), Failed> {
        match self {
            Put::Bytes(bytes) => fs::write(path, bytes)?,
            Put::Directory => fs::create_dir(path)?,
            Put::Fifo => mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?,
            Put::Nothing => {}
            Put::Sparse(length) => File::create(path)?.set_len(*length)?,
        }
        Ok(())
    }

    /// Puts it in the place of a running server's file.
    pub(crate) fn over(&self, path: &Path, server: &Running) -> Result<(), Failed> {
        match self {
            Put::Bytes(bytes) => server.replace("config.yaml", bytes),
            other => {
                fs::remove_file(path)?;
                other.at(path)
            }
        }
    }
}

fn with(from: &str, to: &str) -> Put {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    Put::Bytes(GOOD.replace(from, to).into())
}

fn and(more: &str) -> Put {
    Put::Bytes(format!("{GOOD}{more}").into())
}

const NOTHING_MORE: Mistake = Mistake { name: "", put: Put::Nothing, lines: &[], says: &[], hides: &[] };

pub(crate) fn table() -> Vec<Mistake> {
    let mut rows = syntax();
    rows.extend(shape());
    rows.extend(numbers());
    rows.extend(texts());
    rows.extend(routes());
    rows.extend(files());
    rows
}

fn syntax() -> Vec<Mistake> {
    let nested = format!("{GOOD}x-deep: {}1{}\n", "[".repeat(80), "]".repeat(80));
    let mut bomb = format!("{GOOD}x-a: &a [1,1,1,1,1,1,1,1,1,1]\n");
    for (one, next) in
        ["a", "b", "c", "d", "e", "f", "g", "h"].iter().zip(["b", "c", "d", "e", "f", "g", "h", "i"])
    {
        let _ = writeln!(bomb, "x-{next}: &{next} [{}]", vec![format!("*{one}"); 10].join(","));
    }
    let list = format!("[{}1]", "1, ".repeat(156_000));
    let anchors = (0..55).fold(list, |inner, level| format!("&a{level} [{inner}]"));
    let anchors = format!("{GOOD}x-a: {anchors}\n");
    let long = format!("{GOOD}# {}\n", "x".repeat(1024 * 1024));
    let invalid = [GOOD.as_bytes(), b"x-odd: \"\xff\xfe\"\n"].concat();
    vec![
        Mistake { name: "an_unclosed_bracket", put: and("routes: ["), ..NOTHING_MORE },
        Mistake { name: "a_tab_for_indentation", put: with("  user:", "\tuser:"), ..NOTHING_MORE },
        Mistake {
            name: "a_bad_line_before_the_password",
            put: with("  user: neighbour-three", "  user"),
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_duplicate_key",
            put: with("port: 8080\n", "port: 8080\nport: 8081\n"),
            lines: &[3],
            says: &["port"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_long_list_in_many_anchors",
            put: Put::Bytes(anchors.into()),
            says: &["anchors", "20000"],
            ..NOTHING_MORE
        },
        Mistake { name: "an_alias_bomb", put: Put::Bytes(bomb.into()), ..NOTHING_MORE },
        Mistake { name: "nesting_over_64", put: Put::Bytes(nested.into()), ..NOTHING_MORE },
        Mistake {
            name: "a_document_over_1_mib",
            put: Put::Bytes(long.into()),
            says: &["1 MiB"],
            ..NOTHING_MORE
        },
        Mistake { name: "invalid_utf_8", put: Put::Bytes(invalid), says: &["UTF-8"], ..NOTHING_MORE },
    ]
}

fn shape() -> Vec<Mistake> {
    vec![
        Mistake { name: "an_empty_document", put: Put::Bytes(Vec::new()), says: &["empty"], ..NOTHING_MORE },
        Mistake {
            name: "comments_alone",
            put: Put::Bytes(b"# later\n".to_vec()),
            says: &["empty"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_list_for_a_document",
            put: Put::Bytes(b"- app_name\n".to_vec()),
            lines: &[1],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_missing_key",
            put: with("app_name: NeighbourOne\n", ""),
            says: &["app_name"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_missing_password",
            put: with("  password: s3cret-never-shown\n", ""),
            says: &["database", "password"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "an_unknown_key_that_is_nearly_one",
            put: with("  log_level: info", "  log_levle: info-of-nobody"),
            lines: &[10],
            says: &["log_levle", "did you mean", "log_level"],
            hides: &["info-of-nobody"],
        },
        Mistake {
            name: "a_misspelt_password",
            put: with("  password: s3cret-never-shown", "  passwrod: s3cret-never-shown"),
            lines: &[7],
            says: &["passwrod", "did you mean", "password"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_misspelt_admin_token",
            put: and("admin_tokne: hunter2-hunter2\n"),
            lines: &[13],
            says: &["admin_tokne", "did you mean", "admin_token"],
            hides: &["hunter2"],
        },
        Mistake {
            name: "a_password_that_is_a_map",
            put: with("password: s3cret-never-shown", "password: { is: hunter2 }"),
            says: &["password"],
            hides: &["hunter2"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_word_for_a_port",
            put: with("port: 8080", "port: eighty"),
            lines: &[2],
            says: &["port"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_word_for_a_flag",
            put: with("feature_flag_a: true", "feature_flag_a: perhaps"),
            lines: &[11],
            says: &["feature_flag_a"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "yes_for_a_flag",
            put: with("feature_flag_a: true", "feature_flag_a: yes"),
            lines: &[11],
            says: &["feature_flag_a"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_text_for_a_section",
            put: and("limits: many\n"),
            lines: &[13],
            says: &["limits"],
            ..NOTHING_MORE
        },
    ]
}

fn numbers() -> Vec<Mistake> {
    vec![
        Mistake {
            name: "port_0",
            put: with("port: 8080", "port: 0"),
            lines: &[2],
            says: &["port"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_port_over_65535",
            put: with("port: 8080", "port: 65536"),
            lines: &[2],
            says: &["port", "65535"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_negative_port",
            put: with("port: 8080", "port: -1"),
            lines: &[2],
            says: &["port"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_database_port_over_65535",
            put: with("port: 5432", "port: 70000"),
            lines: &[5],
            says: &["database.port"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_pool_of_0_connections",
            put: with("  name: neighbour-four\n", "  name: neighbour-four\n  pool_size: 0\n"),
            lines: &[9],
            says: &["database.pool_size", "from 1 to 1000"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_leak_after_that_is_no_number",
            put: with("  name: neighbour-four\n", "  name: neighbour-four\n  leak_after: soon\n"),
            lines: &[9],
            says: &["database.leak_after", "seconds from 1 to 86400"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "an_interval_of_0",
            put: with("seconds: 5", "seconds: 0"),
            lines: &[12],
            says: &["refresh_interval_seconds"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "an_interval_over_a_day",
            put: with("seconds: 5", "seconds: 86401"),
            lines: &[12],
            says: &["refresh_interval_seconds", "86400"],
            ..NOTHING_MORE
        },
    ]
}

fn texts() -> Vec<Mistake> {
    let long_name = format!("app_name: {}", "n".repeat(201));
    vec![
        Mistake {
            name: "an_empty_app_name",
            put: with("app_name: NeighbourOne", "app_name: ''"),
            lines: &[1],
            says: &["app_name"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "an_app_name_over_200_characters",
            put: with("app_name: NeighbourOne", &long_name),
            lines: &[1],
            says: &["app_name", "200"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_log_level_of_no_filter",
            put: with("log_level: info", "log_level: loud"),
            lines: &[10],
            says: &["log_level"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_directive_without_a_level",
            put: with("log_level: info", "log_level: info,hyper"),
            lines: &[10],
            says: &["log_level"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_directive_of_no_level",
            put: with("log_level: info", "log_level: hyper=loud"),
            lines: &[10],
            says: &["log_level"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_host_that_is_a_name",
            put: and("host: example.com\n"),
            lines: &[13],
            says: &["host"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "an_admin_token_under_8_characters",
            put: and("admin_token: hunter2\n"),
            lines: &[13],
            says: &["admin_token", "8"],
            hides: &["hunter2"],
        },
        Mistake {
            name: "a_negative_limit",
            put: and("limits: { requests_per_second: -1 }\n"),
            lines: &[13],
            says: &["requests_per_second"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "all_violations_at_once",
            put: Put::Bytes(
                GOOD.replace("port: 8080", "port: 0")
                    .replace("log_level: info", "log_level: loud")
                    .replace("seconds: 5", "seconds: 0")
                    .into(),
            ),
            lines: &[2, 10, 12],
            says: &["port", "log_level", "refresh_interval_seconds"],
            ..NOTHING_MORE
        },
    ]
}

fn routes() -> Vec<Mistake> {
    let long_path = format!("routes:\n  /{}: x\n", "p".repeat(1024));
    let long_text = format!("routes:\n  /long: {}\n", "t".repeat(1025));
    vec![
        Mistake {
            name: "a_route_without_a_slash",
            put: and("routes:\n  ping: pong\n"),
            lines: &[14],
            says: &["ping"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_shadows_the_page",
            put: and("routes:\n  /: mine\n"),
            lines: &[14],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_shadows_healthz",
            put: and("routes:\n  /healthz: mine\n"),
            lines: &[14],
            says: &["/healthz"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_shadows_the_metrics_in_other_letters",
            put: and("routes:\n  /%6detrics/: mine\n"),
            lines: &[14],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_shadows_the_history",
            put: and("routes:\n  /config/history: mine\n"),
            lines: &[14],
            says: &["/config/history"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_shadows_the_script",
            put: and("routes:\n  /page.js: mine\n"),
            lines: &[14],
            says: &["/page.js"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_that_is_not_percent_encoded",
            put: and("routes:\n  /\u{e9}<\u{e9}: mine\n"),
            lines: &[14],
            says: &["/%C3%A9%3C%C3%A9"],
            ..NOTHING_MORE
        },
        Mistake {
            name: "a_route_of_two_lines",
            put: and("routes:\n  \"/a\\r\\nb\": mine\n"),
            lines: &[14],
            says: &["/a%0D%0Ab"],
            ..NOTHING_MORE
        },
        Mistake { name: "a_route_path_over_1_kib", put: and(&long_path), lines: &[14], ..NOTHING_MORE },
        Mistake {
            name: "a_route_text_over_1_kib",
            put: and(&long_text),
            lines: &[14],
            says: &["/long"],
            ..NOTHING_MORE
        },
    ]
}

fn files() -> Vec<Mistake> {
    vec![
        Mistake { name: "a_missing_file", put: Put::Nothing, ..NOTHING_MORE },
        Mistake { name: "a_directory", put: Put::Directory, says: &["a directory"], ..NOTHING_MORE },
        Mistake { name: "a_fifo", put: Put::Fifo, says: &["a FIFO"], ..NOTHING_MORE },
        Mistake {
            name: "a_file_of_100_mb",
            put: Put::Sparse(100 * 1024 * 1024),
            says: &["1 MiB"],
            ..NOTHING_MORE
        },
    ]
}
