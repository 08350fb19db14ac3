//! The demos are alike: the same files, the same functions in the same order, the same `main.rs`.

use std::{collections::BTreeMap, fs, path::Path};

const FRAMEWORKS: [&str; 4] = ["axum", "actix-web", "warp", "poem"];

const FILES: [&str; 8] = [
    "config.rs",
    "database.rs",
    "failure.rs",
    "main.rs",
    "middleware.rs",
    "operations.rs",
    "routes.rs",
    "server.rs",
];

/// Functions that some frameworks need and others do not, with the reason.
const EXTRA: [(&str, &[&str]); 10] = [
    // tower-http sets a header by a layer.
    ("set", &["axum", "warp"]),
    // The span of tower-http has no request id.
    ("request_span", &["axum", "warp"]),
    // The answer of the framework's own middleware against panics. actix-web has none.
    ("panicked", &["axum", "warp", "poem"]),
    ("catch_panic", &["actix-web"]),
    // actix-web has no request ids.
    ("request_id", &["actix-web"]),
    // `web::get` does not answer `HEAD`, `warp::get` rejects it.
    ("read", &["actix-web", "warp"]),
    // In warp an extractor is a filter, and only a filter can reject.
    ("config", &["warp"]),
    ("connection", &["warp"]),
    ("admitted", &["warp"]),
    ("recover", &["warp"]),
];

/// The text of each file in `src`, by its name.
type Sources = BTreeMap<String, String>;

#[test]
fn the_demos_are_alike() {
    let demos: BTreeMap<&str, Sources> =
        FRAMEWORKS.into_iter().filter_map(|framework| Some((framework, sources(framework)?))).collect();
    assert!(!demos.is_empty(), "there is a demo");
    assert_eq!(differences(&demos), Vec::<String>::new());
}

/// The negative control.
#[test]
fn a_difference_is_found() {
    let alike = |framework: &str| {
        let main = format!(
            "//! The site, served by {framework}.\n\nfn main() {{ launch::run(\"{}\") }}\n",
            titled(framework)
        );
        let routes = "pub(crate) fn routes() {}\n\nasync fn index() {\n    fn inner() {}\n}\n";
        let mut sources: Sources = FILES.iter().map(|name| ((*name).to_owned(), String::new())).collect();
        sources.insert("main.rs".into(), main);
        sources.insert("routes.rs".into(), routes.into());
        sources
    };
    let two = || BTreeMap::from([("axum", alike("axum")), ("actix-web", alike("actix-web"))]);
    assert_eq!(differences(&two()), Vec::<String>::new());

    let breaks: [(&str, &str, &str); 6] = [
        ("routes.rs", "pub(crate) fn routes() {}\nasync fn index() {}\nfn read() {}\n", "functions"),
        ("routes.rs", "pub(crate) fn routes() {}\n", "functions"),
        ("routes.rs", "async fn index() {}\npub(crate) fn routes() {}\n", "functions"),
        ("routes.rs", "pub(crate) fn routes() {}\nasync fn home() {}\n", "functions"),
        ("main.rs", "//! Title.\n\nfn main() { launch::run(\"Axum\"); more() }\n", "main.rs"),
        ("helpers.rs", "", "files"),
    ];
    for (file, text, word) in breaks {
        let mut demos = two();
        demos.get_mut("axum").unwrap().insert(file.into(), text.into());
        let found = differences(&demos);
        assert!(found.iter().any(|difference| difference.contains(word)), "{file}: `{word}` in {found:?}");
    }
    let mut lonely = BTreeMap::from([("axum", alike("axum"))]);
    lonely.get_mut("axum").unwrap().remove("failure.rs");
    assert!(!differences(&lonely).is_empty(), "one demo alone is held to the list of files");
}

fn differences(demos: &BTreeMap<&str, Sources>) -> Vec<String> {
    let mut found = Vec::new();
    let Some((model, first)) = demos.first_key_value() else { return found };
    for (name, sources) in demos {
        let files: Vec<&str> = sources.keys().map(String::as_str).collect();
        if files != FILES {
            found.push(format!("demo-{name}: the files are {files:?}, not {FILES:?}"));
        }
        for (file, text) in sources {
            let ours = shared_functions(name, text);
            let models = first.get(file).map(|text| shared_functions(model, text)).unwrap_or_default();
            if ours != models {
                found.push(format!(
                    "demo-{name}: the functions of {file} are {ours:?}, demo-{model} has {models:?}"
                ));
            }
        }
        if main_of(name, sources) != main_of(model, first) {
            found.push(format!(
                "demo-{name}: main.rs differs from that of demo-{model} in more than the framework's name"
            ));
        }
    }
    found
}

/// The names of the free functions that all demos have, in order.
fn shared_functions<'a>(framework: &str, text: &'a str) -> Vec<&'a str> {
    let is_extra = |function: &&str| {
        EXTRA.iter().any(|(name, frameworks)| name == function && frameworks.contains(&framework))
    };
    functions(text).into_iter().filter(|function| !is_extra(function)).collect()
}

/// The names of the free functions, in order.
fn functions(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| {
            let line = ["pub ", "pub(crate) ", "async "]
                .iter()
                .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
            line.strip_prefix("fn ")?.split(['(', '<']).next()
        })
        .collect()
}

/// `main.rs` below its title, without the framework's name.
fn main_of(framework: &str, sources: &Sources) -> String {
    let text = sources.get("main.rs").map(String::as_str).unwrap_or_default();
    let below: Vec<&str> = text.lines().filter(|line| !line.starts_with("//!")).collect();
    below.join("\n").replace(&titled(framework), "FRAMEWORK").replace(framework, "FRAMEWORK")
}

/// `Actix-web` of `actix-web`.
fn titled(framework: &str) -> String {
    framework[..1].to_uppercase() + &framework[1..]
}

fn sources(framework: &str) -> Option<Sources> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../demo-{framework}/src"));
    let entries = fs::read_dir(folder).ok()?.map(|entry| entry.expect("a file"));
    Some(
        entries
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).expect("a file of text");
                (entry.file_name().to_string_lossy().into_owned(), text)
            })
            .collect(),
    )
}
