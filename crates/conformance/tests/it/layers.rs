//! Dependencies point down, only along the listed edges, and what is exclusive to one crate stays there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Every edge between our crates. A crate that is not there yet has none.
const EDGES: &[(&str, &[&str])] = &[
    ("process-tree", &[]),
    ("intercept", &[]),
    ("filewatch", &[]),
    ("configs", &["filewatch"]),
    ("configs-remote", &["configs"]),
    ("livepool", &["configs"]),
    ("plugins", &["filewatch"]),
    ("views", &["filewatch"]),
    ("livepage", &[]),
    ("site", &["configs", "filewatch", "livepool", "plugins", "views", "livepage"]),
    ("lifecycle", &["filewatch"]),
    ("launch", &["configs-remote", "site", "lifecycle"]),
    ("demo-axum", &["configs", "livepool", "views", "launch", "site", "lifecycle"]),
    ("demo-actix-web", &["configs", "livepool", "views", "launch", "site", "lifecycle"]),
    ("demo-warp", &["configs", "livepool", "views", "launch", "site", "lifecycle"]),
    ("demo-poem", &["configs", "livepool", "views", "launch", "site", "lifecycle"]),
    ("conformance", &[]),
    ("hotrun", &["intercept", "process-tree", "filewatch", "livepage"]),
    ("compare", &["process-tree", "conformance"]),
    ("bench", &["process-tree", "conformance"]),
];

/// Every further edge that tests may add.
const TEST_EDGES: &[(&str, &[&str])] = &[
    ("intercept", &["conformance"]),
    ("filewatch", &["conformance"]),
    ("configs", &["conformance"]),
    ("configs-remote", &["conformance"]),
    ("livepool", &["conformance"]),
    ("plugins", &["conformance"]),
    ("views", &["conformance"]),
    ("livepage", &["conformance"]),
    ("lifecycle", &["conformance"]),
    ("demo-axum", &["conformance"]),
    ("demo-actix-web", &["conformance"]),
    ("demo-warp", &["conformance"]),
    ("demo-poem", &["conformance"]),
    ("hotrun", &["conformance"]),
];

/// Crates that only one crate of ours may depend on.
const EXCLUSIVE: &[(&str, &[&str])] = &[
    ("notify", &["filewatch"]),
    ("serde-saphyr", &["configs"]),
    ("granit-parser", &["configs"]),
    ("garde", &["configs"]),
    ("tera", &["views"]),
    ("tokio-postgres", &["livepool"]),
    ("deadpool-postgres", &["livepool"]),
    ("libloading", &["plugins"]),
    ("pprof", &["site"]),
    ("hyper", &["configs-remote", "lifecycle", "hotrun", "compare"]),
    ("tokio-rustls", &["configs-remote"]),
    ("rustls-native-certs", &["configs-remote"]),
    ("listenfd", &["lifecycle"]),
    ("command-fds", &["lifecycle", "intercept"]),
    ("minisign-verify", &["lifecycle"]),
    ("clap", &["launch", "hotrun", "compare", "bench"]),
    ("axum", &["demo-axum", "lifecycle"]),
    ("actix-web", &["demo-actix-web", "lifecycle"]),
    ("warp", &["demo-warp"]),
    ("poem", &["demo-poem"]),
];

#[derive(Clone, Debug, Default)]
struct Manifest {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
    unpublished: bool,
}

#[test]
fn dependencies_point_down_along_the_listed_edges() {
    assert_eq!(violations(&workspace()), Vec::<String>::new());
}

#[test]
fn the_list_itself_has_no_cycle() {
    for (at, (_, targets)) in EDGES.iter().enumerate() {
        for target in *targets {
            let below = EDGES.iter().position(|(name, _)| name == target);
            assert!(below.is_some_and(|below| below < at), "`{target}` must stand above who uses it");
        }
    }
}

/// The negative control.
#[test]
fn a_violation_is_found() {
    type Break = fn(&mut BTreeMap<String, Manifest>);
    let breaks: &[(&str, Break)] = &[
        ("`site` may not depend on `lifecycle`", |all| {
            edit(all, "site").normal.insert("lifecycle".into());
        }),
        ("`filewatch` may not depend on `configs`", |all| {
            edit(all, "filewatch").normal.insert("configs".into());
        }),
        ("`conformance` may not depend on `site`, not even in tests", |all| {
            edit(all, "conformance").tests.insert("site".into());
        }),
        ("`demo-axum` may not depend on `conformance`", |all| {
            edit(all, "demo-axum").normal.insert("conformance".into());
        }),
        ("`site` may not depend on `tera`", |all| {
            edit(all, "site").normal.insert("tera".into());
        }),
        ("`configs` may not depend on `notify`", |all| {
            edit(all, "configs").tests.insert("notify".into());
        }),
        ("`views` is not marked `publish = false`", |all| edit(all, "views").unpublished = false),
        ("`utils` is in no list", |all| {
            all.insert("utils".into(), Manifest { unpublished: true, ..Manifest::default() });
        }),
    ];
    for (words, change) in breaks {
        let mut all = lawful();
        change(&mut all);
        let found = violations(&all);
        assert!(found.iter().any(|violation| violation.contains(words)), "`{words}` in {found:?}");
    }
}

#[test]
fn a_manifest_is_read_in_all_its_ways_to_write() {
    let manifest = Manifest::parse(
        "[package]\nname = \"x\"\npublish.workspace = true\n[dependencies]\n# notify = \"8\"\naxum.workspace = true\n\
         serde = { version = \"1\" }\n\"tera\" = \"2\"\nyaml = { package = \"serde-saphyr\", version = \"2\" }\n\
         [dependencies.hyper]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n\
         [dev-dependencies]\ntempfile.workspace = true\n[features]\nclap = []\n",
    );
    let normal: Vec<&str> = manifest.normal.iter().map(String::as_str).collect();
    assert_eq!(normal, ["axum", "hyper", "rustix", "serde", "serde-saphyr", "tera"]);
    assert!(manifest.tests.contains("tempfile") && manifest.tests.len() == 1);
    assert!(manifest.unpublished);
    assert!(!Manifest::parse("[package]\nname = \"x\"\n").unpublished);
}

fn violations(all: &BTreeMap<String, Manifest>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, manifest) in all {
        let Some(allowed) = listed(EDGES, name) else {
            found.push(format!("`{name}` is in no list of this test"));
            continue;
        };
        let for_tests = listed(TEST_EDGES, name).unwrap_or_default();
        let ours = |target: &&String| all.contains_key(*target) || listed(EDGES, target).is_some();
        for target in manifest.normal.iter().filter(ours).filter(|target| !allowed.contains(&target.as_str()))
        {
            found.push(format!("`{name}` may not depend on `{target}`"));
        }
        // Its own tests may ask for more of a crate's features.
        for target in manifest.tests.iter().filter(ours).filter(|target| *target != name) {
            if !allowed.contains(&target.as_str()) && !for_tests.contains(&target.as_str()) {
                found.push(format!("`{name}` may not depend on `{target}`, not even in tests"));
            }
        }
        for (dependency, owners) in EXCLUSIVE {
            let uses = manifest.normal.contains(*dependency) || manifest.tests.contains(*dependency);
            if uses && !owners.contains(&name.as_str()) {
                found.push(format!("`{name}` may not depend on `{dependency}`: that is for {owners:?}"));
            }
        }
        if !manifest.unpublished {
            found.push(format!("`{name}` is not marked `publish = false`"));
        }
    }
    found
}

fn listed<'a>(list: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    list.iter().find(|(listed, _)| *listed == name).map(|(_, targets)| *targets)
}

impl Manifest {
    /// Reads what this test needs: the tables of dependencies, line by line.
    fn parse(text: &str) -> Manifest {
        let mut manifest = Manifest::default();
        let mut table = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(header) = line.strip_prefix('[') {
                header.trim_end_matches(']').clone_into(&mut table);
                if let Some((kind, name)) = table.rsplit_once("dependencies.") {
                    manifest.add(kind, name);
                }
            } else if table == "package" && line.starts_with("publish") {
                manifest.unpublished = line.ends_with("false") || line == "publish.workspace = true";
            } else if let Some(kind) = table.strip_suffix("dependencies") {
                let key = line.split(['=', '.']).next().unwrap_or_default();
                let renamed = line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
                manifest.add(kind, renamed.unwrap_or(key));
            }
        }
        manifest
    }

    fn add(&mut self, kind: &str, name: &str) {
        let name = name.trim().trim_matches('"').to_owned();
        let to = if kind.ends_with("dev-") { &mut self.tests } else { &mut self.normal };
        to.insert(name);
    }
}

fn workspace() -> BTreeMap<String, Manifest> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = fs::read_to_string(crates.join("../Cargo.toml")).expect("a workspace has a manifest");
    assert!(root.contains("\npublish = false\n"), "what the crates inherit");
    let folders =
        fs::read_dir(crates).expect("a folder of crates").map(|entry| entry.expect("a folder").path());
    let crates = folders.filter(|folder| folder.join("Cargo.toml").exists());
    crates
        .map(|folder| {
            let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
            (name, Manifest::parse(&fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest")))
        })
        .collect()
}

/// A workspace that has every crate and every edge of the lists.
fn lawful() -> BTreeMap<String, Manifest> {
    let names = |targets: &[&str]| targets.iter().map(ToString::to_string).collect();
    let all: BTreeMap<_, _> = EDGES
        .iter()
        .map(|(name, targets)| {
            let tests = names(listed(TEST_EDGES, name).unwrap_or_default());
            ((*name).to_owned(), Manifest { normal: names(targets), tests, unpublished: true })
        })
        .collect();
    assert_eq!(violations(&all), Vec::<String>::new());
    all
}

fn edit<'a>(all: &'a mut BTreeMap<String, Manifest>, name: &str) -> &'a mut Manifest {
    all.get_mut(name).expect("a crate of the list")
}
