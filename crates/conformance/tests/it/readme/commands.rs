//! Every command that a reader may type exists: its program, its flags, its recipes, its packages.

use super::{blocks, documents, prose, read, root, sources};

/// Programs of the system that the documents may name, without a further look.
const SYSTEM: [&str; 7] = ["apt-get", "cd", "cp", "curl", "install", "kill", "systemctl"];

/// Programs that `cargo install` may fetch from the registry.
const TOOLS: [&str; 3] = ["just", "oha", "cargo-deny"];

/// The first words by which a piece of code within a sentence is a command.
const INLINE: [&str; 4] = ["cargo", "just", "hotrun", "demo-axum"];

#[test]
fn every_command_exists() {
    let mut count = 0;
    for document in documents() {
        let typed = blocks(&document.text).into_iter().filter(|block| block.language == "console");
        let typed: Vec<String> = typed.flat_map(|block| typed_in(&block.code)).collect();
        for line in typed.into_iter().chain(inline(&prose(&document.text))) {
            count += 1;
            if let Err(reason) = check(&line) {
                panic!("{} names the command `{line}`: {reason}", document.path.display());
            }
        }
    }
    assert!(count > 40, "only {count} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    for (line, is_one) in [
        ("cargo run -p demo-axum", true),
        ("cargo run -p demo-gin", false),
        ("cargo run -p demo-axum -- --check --set port=0", true),
        ("cargo run -p demo-axum -- --chekc", false),
        ("cargo run -p configs --example own_settings", true),
        ("cargo run -p configs --example our_settings", false),
        ("cargo test --workspace", true),
        ("cargo tset --workspace", false),
        ("cargo install --path crates/hotrun", true),
        ("cargo install --path crates/coldrun", false),
        ("cargo install --locked just", true),
        ("cargo install --locked justt", false),
        ("just torture", true),
        ("just tortoise", false),
        ("hotrun check", true),
        ("hotrun chekc", false),
        ("hotrun restart api", true),
        ("hotrun status api", false),
        ("hotrun --bin demo-poem -- --anything", true),
        ("hotrun --bim demo-poem", false),
        ("RUSTFLAGS=\"--cfg a\" cargo test -p filewatch", true),
        ("kill -USR2 $(cat demo.pid)", true),
        ("reboot now", false),
    ] {
        assert_eq!(check(line).is_ok(), is_one, "{line}: {:?}", check(line));
    }
}

/// The lines of a console at which somebody types, as a user or as root.
fn typed_in(console: &str) -> Vec<String> {
    let lines = console.lines().filter_map(|line| line.strip_prefix("$ ").or(line.strip_prefix("# ")));
    let parts = lines.flat_map(|line| line.split(" && "));
    parts.map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
}

/// Commands between backticks; a single word is a name.
fn inline(prose: &str) -> Vec<String> {
    let spans = prose.split('`').skip(1).step_by(2);
    let commands = spans.filter(|span| {
        let mut words = span.split_whitespace();
        let is_program = words.next().is_some_and(|first| INLINE.contains(&first));
        is_program && words.next().is_some_and(|second| second != "->")
    });
    commands.map(|span| span.replace("\\|", "|")).collect()
}

fn check(line: &str) -> Result<(), String> {
    let words = words(line);
    let (program, rest) = words.split_first().ok_or("it is empty")?;
    match program.as_str() {
        "cargo" => cargo(rest),
        "just" => just(rest),
        "hotrun" => hotrun(rest),
        demo if demo.starts_with("demo-") => package(demo).and_then(|()| flags(rest, "crates/launch/src")),
        other if SYSTEM.contains(&other) => Ok(()),
        other => Err(format!("`{other}` is no program that a reader has")),
    }
}

/// The words of a line, without the variables in front of it; quotes keep a word together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' | '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("there is one").push(other),
        }
    }
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    words.into_iter().filter(|word| !word.is_empty()).skip_while(is_variable).collect()
}

fn cargo(words: &[String]) -> Result<(), String> {
    let command = words.first().map_or("", String::as_str);
    if !["run", "test", "build", "check", "install", "add", "tree", "doc", "clippy"].contains(&command) {
        return Err(format!("`cargo {command}` is no command that is used here"));
    }
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (own, handed_on) = (&words[1..end], words.get(end + 1..).unwrap_or_default());
    let value = |flag: &str| own.iter().position(|word| word == flag).and_then(|at| own.get(at + 1));
    if let Some(name) = value("-p") {
        package(name)?;
        if let Some(example) = value("--example") {
            exists(&format!("crates/{name}/examples/{example}.rs"))?;
        }
        if command == "run" && name.starts_with("demo-") && value("--example").is_none() {
            flags(handed_on, "crates/launch/src")?;
        }
        if command == "run" && name == "hotrun" {
            hotrun(handed_on)?;
        }
    }
    if let Some(path) = value("--path") {
        exists(path)?;
    }
    let fetched = own.last().map_or("", String::as_str);
    let is_fetch = command == "install" && value("--path").is_none() && value("--git").is_none();
    if is_fetch && !TOOLS.contains(&fetched) {
        return Err(format!("`{fetched}` is no tool that is used here"));
    }
    Ok(())
}

fn just(words: &[String]) -> Result<(), String> {
    let recipe = words.first().map_or("", String::as_str);
    if recipe == "--list" {
        return Ok(());
    }
    let is_recipe = |line: &str| {
        line.split([' ', ':']).next() == Some(recipe) && line.contains(':') && !line.contains(":=")
    };
    let is_there = !recipe.is_empty() && read("justfile").lines().any(is_recipe);
    if is_there { Ok(()) } else { Err(format!("the justfile has no recipe `{recipe}`")) }
}

fn hotrun(words: &[String]) -> Result<(), String> {
    let own: Vec<String> = words.iter().take_while(|word| *word != "--").cloned().collect();
    let takes_value = ["--bin", "-c", "--config", "--color"];
    // These take the name of a program.
    let takes_name = ["reload", "restart", "logs"];
    let mut is_value = false;
    for word in &own {
        let commands = ["check", "init", "status", "reload", "restart", "stop", "logs", "help"];
        let is_command = commands.contains(&word.as_str());
        if !is_value && !is_command && !word.starts_with('-') {
            return Err(format!("`hotrun {word}` is no command"));
        }
        is_value = takes_value.contains(&word.as_str()) || takes_name.contains(&word.as_str());
    }
    flags(&own, "crates/hotrun/src")
}

/// True if every `--flag` among the words is one of the command line that is defined in this folder.
fn flags(words: &[String], folder: &str) -> Result<(), String> {
    let known = super::reference::flags(&sources(folder));
    assert!(known.len() > 1, "no flags were found in `{folder}`");
    let given = words.iter().filter_map(|word| word.strip_prefix("--")).filter(|flag| !flag.is_empty());
    for flag in given.map(|flag| flag.split('=').next().unwrap_or(flag)) {
        if !known.iter().any(|name| name == flag) && !["help", "version"].contains(&flag) {
            return Err(format!("there is no flag `--{flag}`"));
        }
    }
    Ok(())
}

fn package(name: &str) -> Result<(), String> {
    // The placeholder of a sentence about all four.
    if name == "demo-NAME" { Ok(()) } else { exists(&format!("crates/{name}/Cargo.toml")) }
}

fn exists(path: &str) -> Result<(), String> {
    if root().join(path).exists() { Ok(()) } else { Err(format!("`{path}` is not there")) }
}
