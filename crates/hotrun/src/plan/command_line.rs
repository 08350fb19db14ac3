//! A command line of the settings: whether it needs a shell.

use std::env;
use std::path::Path;

/// Characters that mean something to a shell, within words or quotes.
const SPECIAL: &str = "$`\\|&;<>(){}*?[]#~!\n\r";

/// A line that names one program, with variables before it and arguments after it: `A=b ./prog --flag 'two words'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) env: Vec<(String, String)>,
    /// The program, then its arguments.
    pub(crate) words: Vec<String>,
}

impl CommandLine {
    /// Reads the line. `None` if it needs a shell: it has shell syntax, or its first word is no program.
    pub(crate) fn simple(line: &str) -> Option<CommandLine> {
        CommandLine::parse(line).filter(|parsed| is_program(&parsed.words[0]))
    }

    /// The words of a line without shell syntax. `None` if it needs a shell.
    pub(super) fn words(line: &str) -> Option<Vec<String>> {
        let words = words(line).filter(|_| !line.contains(|character| SPECIAL.contains(character)))?;
        Some(words.into_iter().map(|word| word.text).collect())
    }

    /// Reads the line, whether its first word is a program or not.
    pub(crate) fn parse(line: &str) -> Option<CommandLine> {
        if line.contains(|character| SPECIAL.contains(character)) {
            return None;
        }
        let mut env = Vec::new();
        let mut words = words(line)?.into_iter().peekable();
        while let Some((name, value)) = words.peek().and_then(|word| assignment(word)) {
            // The shell would look for the program there.
            if name == "PATH" {
                return None;
            }
            env.push((name.to_owned(), value.to_owned()));
            words.next();
        }
        let words: Vec<String> = words.map(|word| word.text).collect();
        (!words.is_empty()).then_some(CommandLine { env, words })
    }
}

struct Word {
    text: String,
    /// The place of the first quote in `text`.
    quoted_at: Option<usize>,
}

/// Splits at blanks outside quotes. `None` if a quote is not closed.
fn words(line: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert(Word { text: String::new(), quoted_at: None });
                word.quoted_at.get_or_insert(word.text.len());
                loop {
                    match characters.next()? {
                        end if end == character => break,
                        other => word.text.push(other),
                    }
                }
            }
            other => word.get_or_insert(Word { text: String::new(), quoted_at: None }).text.push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// The name and the value, where the word is `NAME=value` with an unquoted name.
fn assignment(word: &Word) -> Option<(&str, &str)> {
    let (name, value) = word.text.split_once('=')?;
    let is_letter = |character: char| character.is_ascii_alphabetic() || character == '_';
    let is_name = name.starts_with(is_letter)
        && name.chars().all(|character| is_letter(character) || character.is_ascii_digit());
    let unquoted = word.quoted_at.is_none_or(|at| at > name.len());
    (is_name && unquoted).then_some((name, value))
}

/// One word of a shell's line.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+=:@,%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// True if the word is a path, or the name of a program. Another one may be a command of the shell itself.
fn is_program(word: &str) -> bool {
    word.contains('/') || is_in_path(word)
}

/// True if a folder of `PATH` has a file of this name.
pub(crate) fn is_in_path(word: &str) -> bool {
    let is_there = |folder: &Path| folder.join(word).is_file();
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| is_there(&folder)))
}

#[cfg(test)]
mod tests {
    use super::CommandLine;

    /// Each row: the line, and its variables and words.
    #[test]
    fn a_simple_line_is_split_as_a_shell_does() {
        for (line, env, words) in [
            ("./app", &[][..], &["./app"][..]),
            ("  ./app  -x\ty ", &[], &["./app", "-x", "y"]),
            ("A=b ./app", &[("A", "b")], &["./app"]),
            ("A=b C_1=  ./app D=e", &[("A", "b"), ("C_1", "")], &["./app", "D=e"]),
            ("A='b c' ./app \"two words\" x'y'\"z\" ''", &[("A", "b c")], &["./app", "two words", "xyz", ""]),
            ("./app --url=http://h:1/?", &[], &[]),
            ("'A'=b", &[], &["A=b"]),
            ("1A=b", &[], &["1A=b"]),
            ("./app @x %y ^z +w , : .", &[], &["./app", "@x", "%y", "^z", "+w", ",", ":", "."]),
        ] {
            let parsed = CommandLine::parse(line);
            if words.is_empty() {
                assert_eq!(parsed, None, "{line}");
                continue;
            }
            let CommandLine { env: found, words: split } = parsed.unwrap();
            let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(
                (&found[..], &split[..]),
                (env, &words.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_with_shell_syntax_is_left_to_a_shell() {
        for line in [
            "",
            "   ",
            "A=b",
            "./a; ./b",
            "./a | cat",
            "./a &",
            "./a $B",
            "\"$B\"",
            "./a `b`",
            "cd a && ./b",
            "./a > b",
            "./a *.txt",
            "~/a",
            "./a 'open",
            "./a \\",
            "PATH=/a b",
            "./a\n./b",
            "{ ./a",
            "! ./a",
            "./a # b",
        ] {
            assert_eq!(CommandLine::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_command_of_the_shell_itself_is_left_to_it() {
        assert_eq!(CommandLine::simple("exec ./app"), None);
        assert_eq!(CommandLine::simple("no-such-program-anywhere"), None);
        assert!(CommandLine::simple("sh -x").is_some() && CommandLine::simple("./not/there/yet").is_some());
    }
}
