//! The program that the settings name: `full_bin`, `entrypoint` or `bin`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::plan::command_line::{CommandLine, is_in_path};
use crate::plan::program::What;
use crate::settings::Build;

#[derive(Debug)]
pub(crate) struct NamedProgram {
    pub(crate) what: What,
    /// Variables before the program.
    pub(crate) env: Vec<(String, String)>,
    /// Arguments after the program.
    pub(crate) args: Vec<String>,
}

impl NamedProgram {
    /// Like in air, `full_bin` comes before `entrypoint`, and that before `bin`. `None` if all are empty.
    pub(crate) fn of(build: &Build, root: &Path) -> Option<Self> {
        if let Some(line) = build.full_bin.as_ref().filter(|line| !line.trim().is_empty()) {
            return Some(Self::of_line(line, root));
        }
        if let Some((first, rest)) = build.entrypoint.split_first().filter(|(first, _)| !first.is_empty()) {
            return Some(Self::of_words(first, rest, Vec::new(), root));
        }
        let bin = build.bin.as_ref().filter(|bin| !bin.as_os_str().is_empty())?;
        let path = root.join(bin);
        let line = bin.to_string_lossy();
        match CommandLine::parse(&line).filter(|_| line.contains(char::is_whitespace) && !path.exists()) {
            Some(CommandLine { env, words }) => Some(Self::of_words(&words[0], &words[1..], env, root)),
            None => Some(Self { what: What::File(path), env: Vec::new(), args: Vec::new() }),
        }
    }

    /// A line that starts what the build made is read as variables, program and arguments: then a copy of the last good program is
    /// kept. Any other line stays a line.
    fn of_line(line: &str, root: &Path) -> Self {
        if let Some(CommandLine { env, words }) = CommandLine::simple(line)
            && words[0].contains('/')
            && let path = below(root, &words[0])
            && is_built(&path, root)
        {
            return Self { what: What::File(path), env, args: words[1..].to_vec() };
        }
        Self { what: What::Shell(line.to_owned()), env: Vec::new(), args: Vec::new() }
    }

    /// A first word without a slash is a program in `PATH`, such as `dlv`, or else a file of the root.
    fn of_words(first: &str, rest: &[String], env: Vec<(String, String)>, root: &Path) -> Self {
        let path = below(root, first);
        if first.contains('/') || path.exists() || !is_in_path(first) {
            return Self { what: What::File(path), env, args: rest.to_vec() };
        }
        let words = std::iter::once(first).chain(rest.iter().map(String::as_str));
        let line = words.map(quoted).collect::<Vec<_>>().join(" ");
        Self { what: What::Shell(line), env, args: Vec::new() }
    }
}

/// A path relative to the root, without `./`.
fn below(root: &Path, word: &str) -> PathBuf {
    root.join(word.trim_start_matches("./"))
}

/// True if the file is, or will be, a program that a build has made: below the root, missing or an ELF file, and no symlink. A copy of a
/// script, or of an interpreter in a virtual environment, would not find its files.
fn is_built(path: &Path, root: &Path) -> bool {
    let is_elf = || {
        let mut magic = [0; 4];
        File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
    };
    path.starts_with(root) && path.symlink_metadata().map_or(true, |found| found.is_file() && is_elf())
}

/// One word of a shell's line.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+=:@,%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::NamedProgram;
    use crate::plan::program::What;
    use crate::settings::Settings;

    /// Each row: a line of `[build]`, and variables, program and arguments.
    #[test]
    fn a_program_is_read_with_its_variables_and_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("run.sh"), "#!/bin/sh\n").unwrap();
        fs::write(root.join("with space"), "\x7fELF").unwrap();
        fs::write(root.join("made"), "\x7fELF").unwrap();
        for (line, expected) in [
            ("bin = 'tmp/main'", "[] file tmp/main []"),
            ("bin = 'gitea'", "[] file gitea []"),
            ("bin = './tmp/main -a \"b c\"'", "[] file tmp/main [-a|b c]"),
            ("bin = 'A=b tmp/main'", "[A=b] file tmp/main []"),
            ("bin = 'with space'", "[] file with space []"),
            ("bin = 'sh -c true'", "[] line sh -c true []"),
            ("full_bin = 'A=b C=d ./tmp/main -x'", "[A=b|C=d] file tmp/main [-x]"),
            ("full_bin = './made'", "[] file made []"),
            ("full_bin = './run.sh -x'", "[] line ./run.sh -x []"),
            ("full_bin = '/bin/sh x.sh'", "[] line /bin/sh x.sh []"),
            ("full_bin = './tmp/main > log'", "[] line ./tmp/main > log []"),
            ("full_bin = 'sh -c ./tmp/main'", "[] line sh -c ./tmp/main []"),
            ("entrypoint = './tmp/main'", "[] file tmp/main []"),
            ("entrypoint = ['bin/easi', 'serve', 'a b']", "[] file bin/easi [serve|a b]"),
            ("entrypoint = ['sh', '-c', 'echo a']", "[] line sh -c 'echo a' []"),
            ("entrypoint = ['easi', 'serve']", "[] file easi [serve]"),
            ("entrypoint = ['x/a']\nbin = 'b'", "[] file x/a []"),
            ("entrypoint = ['x/a']\nfull_bin = 'x/b'", "[] file x/b []"),
            ("entrypoint = []\nbin = 'b'", "[] file b []"),
        ] {
            let (settings, findings) = Settings::parse(&format!("[build]\n{line}"));
            assert_eq!(findings, [], "{line}");
            let NamedProgram { what, env, args } = NamedProgram::of(&settings.build, root).unwrap();
            let what = match what {
                What::File(path) => format!("file {}", path.strip_prefix(root).unwrap().display()),
                What::Shell(line) => format!("line {line}"),
                What::Built => panic!("{line}"),
            };
            let env: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(format!("[{}] {what} [{}]", env.join("|"), args.join("|")), expected, "{line}");
        }
        let (settings, _) = Settings::parse("[build]\nfull_bin = ' '\nbin = ''\nentrypoint = ''");
        assert!(NamedProgram::of(&settings.build, root).is_none());
    }
}
