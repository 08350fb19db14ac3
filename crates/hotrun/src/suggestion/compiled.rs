//! Cargo workspaces and Go modules with several programs.

use crate::plan::quoted;
use crate::project::Binary;
use crate::suggestion::{Line, Suggestion};

/// For the programs of a Cargo workspace. `None` for one: it is found without settings.
pub(crate) fn of_workspace(binaries: &[Binary], is_chosen: bool) -> Option<Suggestion> {
    let build = |binary: &Binary| {
        let line = format!("cargo build -p {} --bin {}", binary.package, binary.name);
        vec![Line::text("cmd", &line)]
    };
    of("a Cargo workspace", binaries, is_chosen, build)
}

/// For the main packages of a Go module.
pub(crate) fn of_go(binaries: &[Binary]) -> Option<Suggestion> {
    let is_shared = |name: &str| binaries.iter().filter(|other| other.name == name).count() > 1;
    let build = |binary: &Binary| {
        let made = if binaries.len() == 1 {
            "tmp/main"
        } else {
            &format!("tmp/{}", name(binary, is_shared(&binary.name)))
        };
        let line = format!("go build -o {made} {}", quoted(&binary.package));
        vec![Line::text("cmd", &line), Line::text("bin", made)]
    };
    of("a Go module", binaries, true, build)
}

fn of(
    kind: &'static str,
    binaries: &[Binary],
    is_chosen: bool,
    build: impl Fn(&Binary) -> Vec<Line>,
) -> Option<Suggestion> {
    match binaries {
        [] => None,
        [_] if !is_chosen => None,
        [one] => {
            let runs = format!("`{}`", one.name);
            Some(Suggestion { kind, runs, build: build(one), programs: Vec::new() })
        }
        several => {
            let is_shared = |name: &str| several.iter().filter(|other| other.name == name).count() > 1;
            let programs: Vec<(String, Vec<Line>)> =
                several.iter().map(|binary| (name(binary, is_shared(&binary.name)), build(binary))).collect();
            let names: Vec<String> = programs.iter().map(|(name, _)| format!("`{name}`")).collect();
            let runs = format!("{}; delete the `[run.NAME]` of each that is not to run", names.join(", "));
            Some(Suggestion { kind, runs, build: Vec::new(), programs })
        }
    }
}

/// The name of the program; with its package if others have the same name. Letters, digits, `-` and `_`.
fn name(binary: &Binary, is_shared: bool) -> String {
    let whole = if is_shared { &format!("{}-{}", binary.package, binary.name) } else { &binary.name };
    let plain = |one: char| if one.is_ascii_alphanumeric() || one == '_' { one } else { '-' };
    whole.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}
