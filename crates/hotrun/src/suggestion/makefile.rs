//! C and C++ with a makefile.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::suggestion::{Line, Suggestion, existing};

/// As make looks for them.
const FILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

const ENDINGS: [&str; 9] = ["c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "S"];

/// Replacements in one name, so that variables that hold each other come to an end.
const MOST_REPLACED: usize = 20;

pub(super) fn of(folder: &Path) -> Option<Result<Suggestion, String>> {
    let name = FILES.into_iter().find(|name| folder.join(name).is_file())?;
    let is_source = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .any(|file| file.extension().is_some_and(|ending| ENDINGS.iter().any(|one| ending == *one)))
    };
    if !is_source(folder) && !is_source(&folder.join("src")) {
        return None;
    }
    let text = fs::read_to_string(folder.join(name)).ok()?;
    let Some(program) = program(&text) else {
        return Some(Err(format!(
            "`{name}` does not show which program `make` builds; give it as `build.bin`, with `cmd = \"make\"`"
        )));
    };
    let build = vec![Line::text("cmd", "make"), Line::text("bin", &program)];
    let suggestion =
        Suggestion { kind: "a C project", runs: format!("`{program}`"), build, programs: Vec::new() };
    let suggestion = suggestion.with_list("include_ext", &ENDINGS);
    Some(Ok(suggestion.with_list("include_file", &existing(folder, &FILES))))
}

/// The program that `make` without arguments builds, if it is only one: the first target, or what `all` needs.
fn program(text: &str) -> Option<String> {
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    let mut targets: Vec<(&str, &str)> = Vec::new();
    let text = text.replace("\\\n", " ");
    for line in text.lines().filter(|line| !line.starts_with('\t') && !line.trim_start().starts_with('#')) {
        let line = line.split('#').next().unwrap_or_default();
        if let Some((name, value)) =
            line.split_once('=').filter(|(name, _)| !name.contains([' ', '(']) || is_assigned(name))
        {
            let name = name.trim_end_matches([':', '?', '+', '!']).trim();
            if !line.split_once('=').is_some_and(|(before, _)| before.ends_with('+')) {
                variables.insert(name, value.trim());
            }
        } else if let Some((target, needs)) = line.split_once(':') {
            targets.push((target.trim(), needs.trim()));
        }
    }
    let is_usual = |target: &&(&str, &str)| {
        !target.0.starts_with('.') && !target.0.contains('%') && !target.0.is_empty()
    };
    let (first, needs) = *targets.iter().find(is_usual)?;
    let goal = expanded(first, &variables)?;
    let is_phony = goal == "all"
        || goal == "build"
        || targets.iter().any(|(name, of)| *name == ".PHONY" && of.split_whitespace().any(|one| one == goal));
    let made = if is_phony { expanded(needs, &variables)? } else { goal };
    let mut made = made.split_whitespace().filter(|name| !name.contains(['%', '|']));
    let program = made.next()?;
    let is_library =
        program.contains(".so") || Path::new(program).extension().is_some_and(|end| end == "a" || end == "o");
    (made.next().is_none() && !is_library && !program.contains('$')).then(|| program.to_owned())
}

/// True for the text before the `=` of an assignment such as `NAME := `.
fn is_assigned(before: &str) -> bool {
    let name = before.trim().trim_end_matches([':', '?', '+', '!']).trim();
    !name.is_empty() && name.chars().all(|one| one.is_ascii_alphanumeric() || "_-.".contains(one))
}

/// The text with its variables replaced. `None` if one is not known, or is a function of make.
fn expanded(text: &str, variables: &BTreeMap<&str, &str>) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..MOST_REPLACED {
        let Some(at) = text.find('$') else { return Some(text) };
        let open = text[at + 1..].chars().next()?;
        let close = match open {
            '(' => ')',
            '{' => '}',
            _ => return None,
        };
        let end = at + text[at..].find(close)?;
        let value = variables.get(text[at + 2..end].trim())?;
        text.replace_range(at..=end, value);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::program;

    /// Each row: a makefile, and its program.
    #[test]
    fn the_program_is_the_first_target_or_what_all_needs() {
        for (text, expected) in [
            ("server: server.o\n\tcc -o server server.o\n", Some("server")),
            ("CC ?= gcc\nTARGET = server\nall: $(TARGET)\n\n$(TARGET): a.o\n", Some("server")),
            (".PHONY: all clean\nBIN := bin\nNAME = x # the name\nall: ${BIN}/$(NAME)\n", Some("bin/x")),
            ("CFLAGS += -O2\n%.o: %.c\n\tcc -c $<\nserver: a.o \\\n  b.o\n", Some("server")),
            (".PHONY: run\nrun: server\n\t./server\nserver: a.o\n", Some("server")),
            ("all: server client\n", None),
            ("all: libx.a\n", None),
            ("all: $(patsubst %.c,%,$(SRC))\n", None),
            ("A = $(B)\nB = $(A)\nall: $(A)\n", None),
            ("", None),
        ] {
            assert_eq!(program(text).as_deref(), expected, "{text}");
        }
    }
}
