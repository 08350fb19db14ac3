//! Everything that is wrong with a configuration.

use std::fmt::{Display, Formatter};

use crate::problem::Problem;
use crate::render;

/// One or more problems of a configuration: each says what is wrong and where, what was expected and what to do.
///
/// It may repeat values of known keys that are no secret, and their lines. It repeats no other value and no other line.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    problems: Vec<Problem>,
}

/// Further problems are only counted.
const MAX_PROBLEMS: usize = 100;

impl Diagnosis {
    pub(crate) fn new(mut problems: Vec<Problem>) -> Diagnosis {
        let more = problems.len().saturating_sub(MAX_PROBLEMS);
        if more > 0 {
            problems.truncate(MAX_PROBLEMS);
            problems.push(Problem::plain(format!("and {more} more problems")));
        }
        Diagnosis { problems }
    }

    /// Everything that is wrong; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// One line for the owner of the files: `config.yaml:4:9: settings.log_level: expected ..., found ...`. Problems are
    /// separated by `; `.
    pub fn message(&self) -> String {
        self.joined(Problem::sentence)
    }

    /// One line for a client that is not local: what was expected and where, with no value from the files and no folder.
    pub fn public(&self) -> String {
        self.joined(Problem::public)
    }

    /// Several lines for a terminal: each problem with its line, if that may be shown, and what to do.
    pub fn render(&self) -> String {
        self.problems.iter().map(render::problem).collect::<Vec<_>>().join("\n")
    }

    fn joined(&self, sentence: impl Fn(&Problem) -> String) -> String {
        self.problems.iter().map(sentence).collect::<Vec<_>>().join("; ")
    }
}

impl Display for Diagnosis {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message())
    }
}

impl std::error::Error for Diagnosis {}

impl From<Problem> for Diagnosis {
    fn from(problem: Problem) -> Diagnosis {
        Diagnosis::new(vec![problem])
    }
}
