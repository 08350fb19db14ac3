//! The tables of reference name everything that the code reads, and nothing else.

use super::{blocks, documents, read, sources};

#[test]
fn every_key_of_the_configuration_is_described() {
    let described = read("docs/configuration.md");
    for key in keys() {
        assert!(names(&described, &key), "docs/configuration.md does not name the key `{key}`");
    }
}

#[test]
fn every_variable_of_the_page_is_described() {
    let described = read("docs/templates.md");
    let code = sources("crates/site/src");
    let page = read("templates/index.html");
    let variables: Vec<&str> = page
        .split("{{ ")
        .skip(1)
        .filter_map(|rest| rest.split(" }}").next())
        .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(variables.len() > 5, "the page shows only {variables:?}");
    let context = fields(&code, "current_time");
    assert!(variables.iter().all(|name| context.iter().any(|field| field == name)), "{context:?}");
    for variable in context {
        assert!(names(&described, &variable), "docs/templates.md does not name the variable `{variable}`");
    }
}

#[test]
fn every_setting_of_hotrun_is_described() {
    let described = read("docs/hotrun.md");
    for key in settings() {
        let is_described = names(&described, &key);
        assert!(is_described, "docs/hotrun.md does not name the setting `{key}`");
    }
}

#[test]
fn every_flag_of_a_demo_is_described() {
    let text: String = documents().iter().map(|document| document.text.as_str()).collect();
    let flags = flags(&sources("crates/launch/src"));
    assert!(flags.len() > 10, "only {flags:?}");
    for flag in flags {
        assert!(text.contains(&format!("--{flag}")), "no document names the flag `--{flag}`");
    }
}

#[test]
fn examples_of_files_use_keys_that_exist() {
    let (keys, mut settings) = (keys(), settings());
    settings.extend(settings_of_programs());
    settings.extend(settings_of_rules());
    for document in documents() {
        let name = document.path.display();
        for block in blocks(&document.text) {
            let lines = block.code.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            match block.language {
                "yaml" => {
                    for (key, _) in lines.filter_map(|line| line.split_once(':')) {
                        let base = key.strip_suffix("_file").unwrap_or(key);
                        let is_key = keys.iter().any(|known| known.rsplit('.').next() == Some(base));
                        assert!(is_key || key.starts_with(['/', '-']), "{name} shows the key `{key}`");
                    }
                }
                "toml" => {
                    for (key, _) in lines.filter_map(|line| line.split_once(" = ")) {
                        let is_key = settings
                            .iter()
                            .any(|known| known == key || known.rsplit('.').next() == Some(key));
                        // Only a table `[run.NAME]` has it, and `hotrun init` writes none.
                        let is_of_run = key == "dir";
                        assert!(is_key || is_of_run, "{name} shows the setting `{key}`");
                    }
                }
                _ => {}
            }
        }
    }
}

/// The names of the long flags that a command line derives.
pub(super) fn flags(code: &str) -> Vec<String> {
    let mut flags = Vec::new();
    let mut lines = code.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line.starts_with("#[arg(") && line.contains("long") {
            let field = lines.by_ref().find_map(field_of);
            flags.extend(field.map(|name| name.replace('_', "-")));
        }
    }
    flags
}

/// The dotted keys of the demos' configuration, from the types that read it.
fn keys() -> Vec<String> {
    let code = sources("crates/configs/src");
    let mut keys = Vec::new();
    for key in struct_fields(&code, "pub struct AppConfig") {
        let section =
            key.chars().next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + &key[1..]);
        let below = struct_fields(&code, &format!("pub struct {section} {{"));
        if below.is_empty() {
            keys.push(key);
        } else {
            keys.extend(below.iter().map(|field| format!("{key}.{field}")));
            keys.push(key);
        }
    }
    assert!(keys.len() > 15, "only {keys:?}");
    keys
}

/// The keys of a rule, from the code that reads them.
fn settings_of_rules() -> Vec<String> {
    let code = read("crates/hotrun/src/settings/rule.rs");
    let keys: Vec<String> = code
        .split("table.take(\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(key, _)| key.to_owned())
        .collect();
    assert!(keys.len() > 5, "only {keys:?}");
    keys
}

/// The dotted settings of hotrun, from the file that `hotrun init` writes.
fn settings() -> Vec<String> {
    let mut table = String::new();
    let mut settings = Vec::new();
    for line in read("crates/hotrun/src/init.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            table = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ") {
            settings.push(format!("{table}{key}"));
        }
    }
    assert!(settings.len() > 20, "only {settings:?}");
    settings
}

/// The settings that only one of several programs has, from the type that reads them. `hotrun init` writes those of a single one.
fn settings_of_programs() -> Vec<String> {
    let code = read("crates/hotrun/src/settings/run.rs");
    let taken = code.split("table.take(\"").skip(1).filter_map(|rest| rest.split_once('"'));
    taken.map(|(key, _)| format!("run.NAME.{key}")).collect()
}

/// The fields of the struct that begins with `head`.
fn struct_fields(code: &str, head: &str) -> Vec<String> {
    let body = code.split_once(head).and_then(|(_, rest)| rest.split_once("\n}"));
    body.map_or(Vec::new(), |(body, _)| body.lines().filter_map(|line| field_of(line.trim())).collect())
}

/// The fields of the struct that has a field of this name.
fn fields(code: &str, one: &str) -> Vec<String> {
    let structs =
        code.split("struct ").skip(1).filter_map(|rest| rest.split_once("\n}")).map(|(body, _)| body);
    let found = structs.map(|body| body.lines().filter_map(|line| field_of(line.trim())).collect::<Vec<_>>());
    found.into_iter().find(|fields| fields.iter().any(|field| field == one)).unwrap_or_default()
}

/// The name that a line of a struct declares.
fn field_of(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
    let (name, _) = line.split_once(": ")?;
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
    is_name.then(|| name.to_owned())
}

/// True if a text names something between backticks.
fn names(text: &str, name: &str) -> bool {
    ["`", "."].iter().any(|end| text.contains(&format!("`{name}{end}")))
}
