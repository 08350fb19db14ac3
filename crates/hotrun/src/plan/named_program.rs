//! The program that the settings name: `full_bin`, `entrypoint` or `bin`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::plan::argument::{Argument, expand};
use crate::plan::command_line::{CommandLine, is_in_path, quoted};
use crate::plan::program::What;
use crate::plan::target::MainPackages;
use crate::settings::Build;

#[derive(Debug)]
pub(crate) struct NamedProgram {
    pub(crate) what: What,
    /// Variables before the program.
    pub(crate) env: Vec<(String, String)>,
    /// Arguments after the program.
    pub(crate) args: Vec<Argument>,
    /// Printed once at the start, if the line may be meant in another way.
    pub(crate) note: Option<String>,
}

/// The folders that a program's name is relative to, and the variables that may be in it.
pub(crate) struct Place<'a> {
    pub(crate) root: &'a Path,
    /// The folder in which hotrun was started, if it lies below the root; else the root.
    pub(crate) here: &'a Path,
    /// The folder in which commands run.
    pub(crate) folder: &'a Path,
    pub(crate) env: &'a [(OsString, OsString)],
    /// The settings are air's, where a shell splits the arguments.
    pub(crate) is_airs: bool,
    pub(crate) packages: MainPackages<'a>,
}

impl NamedProgram {
    /// Like in air, `full_bin` comes before `entrypoint`, and that before `bin`. `None` if all are empty.
    pub(crate) fn of(build: &Build, place: &Place<'_>) -> Option<Self> {
        if let Some(line) = build.full_bin.as_ref().filter(|line| !line.trim().is_empty()) {
            return Some(Self::of_line(line, place));
        }
        if let Some((first, rest)) = build.entrypoint.split_first().filter(|(first, _)| !first.is_empty()) {
            let first = place.expanded(first).into_iter().next().unwrap_or_default();
            let args = rest.iter().flat_map(|text| place.arguments(text)).collect();
            return Some(Self::of_words(&first, args, Vec::new(), place.root));
        }
        let bin = build.bin.as_ref().filter(|bin| !bin.as_os_str().is_empty())?;
        Some(Self::of_bin(&bin.to_string_lossy(), build.cmd.as_deref().unwrap_or_default(), place))
    }

    /// A path. If it has blanks and is neither there nor made by `cmd`, it is read as variables, program and arguments.
    fn of_bin(bin: &str, cmd: &str, place: &Place<'_>) -> Self {
        let path = below(place.folder, bin);
        let is_path = path.exists() || (bin.contains(char::is_whitespace) && cmd.contains(bin));
        if !is_path && bin.contains('$') {
            let mut words = place.expanded(bin).into_iter();
            let first = words.next().unwrap_or_default();
            return Self::of_words(&first, words.map(Argument::Word).collect(), Vec::new(), place.folder);
        }
        match CommandLine::parse(bin).filter(|_| bin.contains(char::is_whitespace) && !is_path) {
            Some(CommandLine { env, words }) => {
                let args = words[1..].iter().cloned().map(Argument::Word).collect();
                let note = format!(
                    "`build.bin` is `{bin}`: read as a program and its arguments; `entrypoint = [{bin:?}]` is a path with blanks"
                );
                Self { note: Some(note), ..Self::of_words(&words[0], args, env, place.folder) }
            }
            None => Self::of_file(path, Vec::new(), Vec::new()),
        }
    }

    /// A line that starts what the build made is read as variables, program and arguments: then a copy of the last good program is
    /// kept. Any other line stays a line.
    fn of_line(line: &str, place: &Place<'_>) -> Self {
        if let Some(CommandLine { env, words }) = CommandLine::simple(line)
            && words[0].contains('/')
            && let path = below(place.folder, &words[0])
            && is_built(&path, place.root)
        {
            return Self::of_file(path, words[1..].iter().cloned().map(Argument::Word).collect(), env);
        }
        Self { what: What::Shell(line.to_owned()), env: Vec::new(), args: Vec::new(), note: None }
    }

    /// A first word without a slash is a program in `PATH`, such as `dlv`, or else a file of the folder.
    fn of_words(first: &str, args: Vec<Argument>, env: Vec<(String, String)>, folder: &Path) -> Self {
        let path = below(folder, first);
        if first.contains('/') || path.exists() || !is_in_path(first) {
            return Self::of_file(path, args, env);
        }
        let rest = args.iter().map(|argument| match argument {
            Argument::Word(word) => quoted(word),
            Argument::Shell(line) => line.clone(),
        });
        let line = std::iter::once(quoted(first)).chain(rest).collect::<Vec<_>>().join(" ");
        Self { what: What::Shell(line), env, args: Vec::new(), note: None }
    }

    fn of_file(path: PathBuf, args: Vec<Argument>, env: Vec<(String, String)>) -> Self {
        Self { what: What::File(path), env, args, note: None }
    }
}

impl Place<'_> {
    /// An argument of the settings.
    pub(crate) fn arguments(&self, text: &str) -> Vec<Argument> {
        if self.is_airs { Argument::of_airs(text) } else { vec![Argument::of_ours(text.to_owned())] }
    }

    /// The name of a program with its variables replaced; as it is, if a shell cannot do that.
    fn expanded(&self, name: &str) -> Vec<String> {
        if !name.contains('$') {
            return vec![name.to_owned()];
        }
        match expand(name, self.env, self.folder) {
            Ok(words) if !words.is_empty() => {
                words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect()
            }
            _ => vec![name.to_owned()],
        }
    }
}

/// A path relative to the folder, without `./`.
fn below(folder: &Path, word: &str) -> PathBuf {
    folder.join(word.trim_start_matches("./"))
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NamedProgram, Place};
    use crate::plan::argument::Argument;
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
        let env = [("DIR".into(), "tmp".into())];
        let place = Place {
            root,
            here: root,
            folder: root,
            env: &env,
            is_airs: false,
            packages: &|_| Ok(Vec::new()),
        };
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
            ("bin = '$DIR/main'", "[] file tmp/main []"),
            ("bin = 'tmp/main-${VERSION:-1}'", "[] file tmp/main-1 []"),
            ("bin = '$DIR/main serve'", "[] file tmp/main [serve]"),
            ("bin = 'my prog'", "[] file my [prog]"),
            ("bin = 'my prog'\ncmd = 'go build -o \"my prog\"'", "[] file my prog []"),
            ("entrypoint = ['$DIR/main', 'a b', '${X}']", "[] file tmp/main [a b|\"${X}\"]"),
        ] {
            let (settings, findings) = Settings::parse(&format!("[build]\n{line}"));
            assert_eq!(findings, [], "{line}");
            let NamedProgram { what, env, args, .. } = NamedProgram::of(&settings.build, &place).unwrap();
            let what = match what {
                What::File(path) => format!("file {}", path.strip_prefix(root).unwrap().display()),
                What::Shell(line) => format!("line {line}"),
                What::Built => panic!("{line}"),
            };
            let env: Vec<_> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let args: Vec<_> = args.iter().map(Argument::text).collect();
            assert_eq!(format!("[{}] {what} [{}]", env.join("|"), args.join("|")), expected, "{line}");
        }
        let (settings, _) = Settings::parse("[build]\nfull_bin = ' '\nbin = ''\nentrypoint = ''");
        assert!(NamedProgram::of(&settings.build, &place).is_none());
    }
}
