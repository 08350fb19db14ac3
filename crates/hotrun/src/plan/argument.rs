//! Arguments of the program, some of which a shell expands.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::plan::command_line::{CommandLine, quoted};

/// An argument, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// Taken as it is.
    Word(String),
    /// Expanded by a shell when the program is started, into any number of words: `${PORT:-8080}`.
    Shell(String),
}

impl Argument {
    /// Arguments of a file of hotrun's: each is one word, with the variables that it has as `${NAME}`.
    pub(super) fn of_ours(text: String) -> Self {
        if !text.contains("${") {
            return Self::Word(text);
        }
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`");
        Self::Shell(format!("\"{escaped}\""))
    }

    /// Arguments of a file of air's, which joins them and hands the line to a shell: `"--port 80"` is two words.
    pub(super) fn of_airs(text: &str) -> Vec<Self> {
        match CommandLine::words(text) {
            Some(words) => words.into_iter().map(Self::Word).collect(),
            None => vec![Self::Shell(text.to_owned())],
        }
    }

    /// The text in the settings.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Shell(text) => text,
        }
    }

    /// The words that the program gets.
    ///
    /// # Errors
    ///
    /// The shell cannot expand an argument, such as `${NAME:?}` without that variable.
    pub(crate) fn words(
        all: &[Self],
        env: &[(OsString, OsString)],
        folder: &Path,
    ) -> io::Result<Vec<OsString>> {
        if all.iter().all(|one| matches!(one, Self::Word(_))) {
            return Ok(all.iter().map(|one| one.text().into()).collect());
        }
        let parts = all.iter().map(|one| match one {
            Self::Word(word) => quoted(word),
            Self::Shell(line) => line.clone(),
        });
        expand(&parts.collect::<Vec<_>>().join(" "), env, folder)
    }
}

/// The words into which a shell expands the line.
pub(super) fn expand(line: &str, env: &[(OsString, OsString)], folder: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::OsStringExt;
    let mut shell = Command::new("/bin/sh");
    // A first word for `printf`, so that no words at all are told from an empty one.
    shell.arg("-c").arg(format!("printf '%s\\0' begin {line}"));
    shell.envs(env.iter().map(|(name, value)| (name, value))).current_dir(folder).stdin(Stdio::null());
    let output = shell.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io::Error::other(format!("a shell cannot expand `{line}`: {reason}")));
    }
    let words = output.stdout.split(|byte| *byte == 0).skip(1);
    let mut words: Vec<OsString> = words.map(|word| OsString::from_vec(word.to_vec())).collect();
    words.pop();
    Ok(words)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Argument;

    /// Each row: the arguments in the settings, and the words that the program gets, separated by `|`.
    #[test]
    fn arguments_are_expanded_as_their_file_means_them() {
        let env = [("NAME".into(), "a b".into()), ("PORT".into(), "80".into())];
        let words = |all: Vec<Argument>| {
            let words = Argument::words(&all, &env, Path::new("/")).unwrap();
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join("|")
        };
        for (listed, airs, ours) in [
            (&["a b", "*x"][..], "a|b|*x", "a b|*x"),
            (&["--port ${PORT}"], "--port|80", "--port 80"),
            (&["${MISSING:-dflt}", ""], "dflt", "dflt|"),
            (&["${NAME}"], "a|b", "a b"),
            (&["'two words'", "$HOME_OF_NOBODY"], "two words", "'two words'|$HOME_OF_NOBODY"),
            (&["$(echo x)"], "x", "$(echo x)"),
            (&["\"q\" ${PORT} `x`"], "q|80|x", "\"q\" 80 `x`"),
            (&[], "", ""),
        ] {
            let listed = listed.iter().map(|text| text.replace("`x`", "`echo x`"));
            let ours = ours.replace("`x`", "`echo x`");
            assert_eq!(
                words(listed.clone().flat_map(|text| Argument::of_airs(&text)).collect()),
                airs,
                "{ours}"
            );
            assert_eq!(words(listed.map(Argument::of_ours).collect()), ours);
        }
        let refused = vec![Argument::Shell("${MISSING:?no}".to_owned())];
        assert!(Argument::words(&refused, &env, Path::new("/")).unwrap_err().to_string().contains("no"));
    }
}
