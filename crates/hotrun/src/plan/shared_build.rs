//! Finds the programs that one build can make.

use crate::plan::build::{Build, How};

/// A build, and the places of the programs that it makes.
#[derive(Clone, Debug)]
pub(crate) struct SharedBuild {
    pub(crate) build: Build,
    pub(crate) programs: Vec<usize>,
}

/// Options of cargo that choose what is built.
const SELECTORS: [&str; 4] = ["-p", "--package", "--bin", "--example"];

impl SharedBuild {
    /// The builds for these programs. Cargo builds that differ only in the package or the binary are one build, and so are equal
    /// commands. A program that nothing builds has none.
    pub(crate) fn of<'a>(builds: impl IntoIterator<Item = &'a Build>) -> Vec<SharedBuild> {
        let mut all: Vec<SharedBuild> = Vec::new();
        for (at, build) in builds.into_iter().enumerate() {
            if matches!(build.how, How::Nothing) {
                continue;
            }
            let joined = all.iter_mut().find_map(|shared| Some((joined(&shared.build, build)?, shared)));
            match joined {
                Some((how, shared)) => {
                    shared.build.how = how;
                    shared.build.log.extend(build.log.iter().cloned());
                    shared.programs.push(at);
                }
                None => all.push(SharedBuild { build: build.clone(), programs: vec![at] }),
            }
        }
        for shared in all.iter_mut().filter(|shared| shared.programs.len() > 1) {
            keep_going(&mut shared.build.how);
        }
        all
    }

    /// True if it makes several programs.
    pub(crate) fn is_shared(&self) -> bool {
        self.programs.len() > 1
    }
}

/// The command that does both builds; `None` if they are too different.
fn joined(one: &Build, other: &Build) -> Option<How> {
    let is_alike = one.dir == other.dir
        && one.env == other.env
        && one.env_files == other.env_files
        && one.before == other.before;
    match (&one.how, &other.how) {
        _ if !is_alike => None,
        (How::Shell(line), How::Shell(same)) if line == same => Some(one.how.clone()),
        (
            How::Cargo { arguments, target, binary },
            How::Cargo { arguments: others, target: same, binary: _ },
        ) if target == same => {
            let arguments = joined_arguments(arguments, others)?;
            Some(How::Cargo { arguments, target: target.clone(), binary: binary.clone() })
        }
        _ => None,
    }
}

/// The arguments with the packages and binaries of both, if nothing else differs.
fn joined_arguments(one: &[String], other: &[String]) -> Option<Vec<String>> {
    if one == other {
        return Some(one.to_vec());
    }
    let (rest, chosen) = split(one);
    let (other_rest, added) = split(other);
    // Without `--bin` every binary of a package is built. A `--bin` for another package would change that.
    if rest != other_rest || kinds(&chosen) != kinds(&added) || chosen.is_empty() {
        return None;
    }
    let added: Vec<_> = added.into_iter().filter(|pair| !chosen.contains(pair)).collect();
    let pairs = chosen.into_iter().chain(added).flat_map(|(option, value)| [option, value]);
    Some(rest.into_iter().chain(pairs).collect())
}

/// The arguments, without those that choose what is built; and those, each with its value.
fn split(arguments: &[String]) -> (Vec<String>, Vec<(String, String)>) {
    let (mut rest, mut chosen) = (Vec::new(), Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        if !SELECTORS.contains(&option) {
            rest.push(word.clone());
        } else if let Some(value) = value.or_else(|| words.next().cloned()) {
            let option = if option == "--package" { "-p" } else { option };
            chosen.push((option.to_owned(), value));
        }
    }
    (rest, chosen)
}

fn kinds(chosen: &[(String, String)]) -> Vec<&str> {
    let mut kinds: Vec<&str> = chosen.iter().map(|(option, _)| option.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Has cargo build the other programs after one has failed.
fn keep_going(how: &mut How) {
    if let How::Cargo { arguments, .. } = how
        && !arguments.iter().any(|word| word == "--keep-going")
    {
        arguments.insert(1.min(arguments.len()), "--keep-going".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::SharedBuild;
    use crate::plan::build::{Build, How};

    fn build(line: &str) -> Build {
        let how = match line.strip_prefix("cargo ") {
            Some(words) => How::Cargo {
                arguments: words.split(' ').map(str::to_owned).collect(),
                target: None,
                binary: String::new(),
            },
            None if line.is_empty() => How::Nothing,
            None => How::Shell(line.to_owned()),
        };
        Build {
            how,
            dir: "/p".into(),
            before: Vec::new(),
            env: Vec::new(),
            env_files: Vec::new(),
            log: Vec::new(),
            delay: Duration::ZERO,
            stop_on_error: false,
        }
    }

    fn shown(shared: &SharedBuild) -> String {
        let line = match &shared.build.how {
            How::Cargo { arguments, .. } => format!("cargo {}", arguments.join(" ")),
            How::Shell(line) => line.clone(),
            How::Nothing => String::new(),
        };
        format!("{line} {:?}", shared.programs)
    }

    /// Each row: the builds of the programs, and those that are run, each with the places of its programs.
    #[test]
    fn builds_that_differ_only_in_the_program_are_one() {
        for (lines, expected) in [
            (&["cargo build -p a --bin a"][..], &["cargo build -p a --bin a [0]"][..]),
            (
                &["cargo build -p a --bin a", "cargo build -p b --bin b"],
                &["cargo build --keep-going -p a --bin a -p b --bin b [0, 1]"],
            ),
            (
                &["cargo build --package=a", "", "cargo build -p b", "cargo build -p a"],
                &["cargo build --keep-going -p a -p b [0, 2, 3]"],
            ),
            (
                &["cargo build --workspace", "cargo build --workspace"],
                &["cargo build --keep-going --workspace [0, 1]"],
            ),
            (
                &["cargo build --release -p a", "cargo build -p b"],
                &["cargo build --release -p a [0]", "cargo build -p b [1]"],
            ),
            (
                &["cargo build -p a", "cargo build -p b --bin b"],
                &["cargo build -p a [0]", "cargo build -p b --bin b [1]"],
            ),
            (&["cargo build", "cargo build -p b"], &["cargo build [0]", "cargo build -p b [1]"]),
            (&["make", "make", "make web"], &["make [0, 1]", "make web [2]"]),
            (&["", ""], &[]),
        ] {
            let builds: Vec<Build> = lines.iter().map(|line| build(line)).collect();
            let shared: Vec<String> = SharedBuild::of(&builds).iter().map(shown).collect();
            assert_eq!(shared, expected, "{lines:?}");
        }
        let elsewhere = Build { dir: "/q".into(), ..build("make") };
        let other_env = Build { env: vec![("A".into(), "b".into())], ..build("make") };
        assert_eq!(SharedBuild::of(&[build("make"), elsewhere, other_env]).len(), 3);
    }
}
