//! The filter of the log.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use thiserror::Error;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The target whose lines pass every filter.
pub(crate) const ANNOUNCEMENT: &str = "serving";

/// The target at which actix-http logs the mistakes of clients as errors: a line for each bad header. hyper logs them at
/// `debug`.
const CLIENTS_MISTAKES: &str = "actix_http::h1::dispatcher";

/// The targets at which middleware logs each request at `info`: those of tower-http, actix-web and poem.
const ACCESS_LOGS: [&str; 3] =
    ["tower_http::trace", "actix_web::middleware::logger", "poem::middleware::tracing_mw"];

/// A filter of log lines: one of `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives between commas.
///
/// `info,hyper=debug` is the level of every target, then the level of targets that begin with `hyper`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    text: String,
    targets: Targets,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// A directive is missing.
    #[error("a directive is missing: expected {LEVELS}, or directives such as `info,hyper=debug`")]
    Empty,
    /// A directive without `=` is none of the six words.
    #[error("`{0}` is no log level: expected {LEVELS}, or directives such as `info,hyper=debug`")]
    Word(String),
    /// The text before `=` is no target.
    #[error("`{0}` names no log target: expected a module path, as in `hyper=debug`")]
    Target(String),
    /// The text after `=` is none of the six words.
    #[error("`{level}` is no log level for `{target}`: expected {LEVELS}")]
    Level {
        /// The text before `=`.
        target: String,
        /// The text after `=`.
        level: String,
    },
}

const LEVELS: &str = "`off`, `error`, `warn`, `info`, `debug` or `trace`";

impl Filter {
    /// Reads a filter. Spaces around a directive are allowed. If there are two directives for one target, the last one counts.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        let targets = text.split(',').try_fold(Targets::new(), |targets, directive| {
            let directive = directive.trim();
            if directive.is_empty() {
                return Err(FilterError::Empty);
            }
            match directive.split_once('=') {
                None => level(directive)
                    .map(|level| targets.with_default(level))
                    .ok_or_else(|| FilterError::Word(directive.into())),
                Some((target, word)) if is_target(target) => level(word)
                    .map(|level| targets.with_target(target, level))
                    .ok_or_else(|| FilterError::Level { target: target.into(), level: word.into() }),
                Some(_) => Err(FilterError::Target(directive.into())),
            }
        })?;
        Ok(Filter { text: text.into(), targets })
    }

    /// The same filter, which takes the access lines of middleware for lines at `debug`.
    #[must_use]
    pub fn without_access_log(mut self) -> Filter {
        for target in ACCESS_LOGS {
            let is_info = self.targets.would_enable(target, &Level::INFO);
            if is_info && !self.targets.would_enable(target, &Level::DEBUG) {
                self.targets = self.targets.with_target(target, Level::WARN);
            }
        }
        self
    }

    /// [`CLIENTS_MISTAKES`] are logged with `debug` and more, or when the filter names their target.
    pub(crate) fn into_targets(self) -> Targets {
        let targets = self.targets.with_target(ANNOUNCEMENT, Level::INFO);
        if self.text.contains("actix_http") || targets.would_enable(CLIENTS_MISTAKES, &Level::DEBUG) {
            return targets;
        }
        targets.with_target(CLIENTS_MISTAKES, LevelFilter::OFF)
    }
}

impl Display for Filter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Filter, FilterError> {
        Filter::parse(text)
    }
}

fn level(word: &str) -> Option<LevelFilter> {
    match word {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

fn is_target(target: &str) -> bool {
    !target.is_empty()
        && target.chars().all(|letter| letter.is_ascii_alphanumeric() || "_:-.".contains(letter))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::{ANNOUNCEMENT, Filter, FilterError};

    #[test]
    fn a_filter_enables_what_it_names() {
        for (text, target, level, expected) in [
            ("off", "demo", Level::ERROR, false),
            ("info", "demo", Level::INFO, true),
            ("info", "demo", Level::DEBUG, false),
            ("info,hyper=debug", "hyper::proto", Level::DEBUG, true),
            ("info,hyper=debug", "demo", Level::DEBUG, false),
            (" warn , demo=off ", "demo", Level::ERROR, false),
            ("hyper=debug", "demo", Level::ERROR, false),
            ("info,debug", "demo", Level::DEBUG, true),
            ("off", ANNOUNCEMENT, Level::INFO, true),
            ("serving=off", ANNOUNCEMENT, Level::INFO, true),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(
                filter.into_targets().would_enable(target, &level),
                expected,
                "{text}: {target} {level}"
            );
        }
    }

    #[test]
    fn access_lines_can_be_lowered_to_debug() {
        for (text, level, expected) in [
            ("info", Level::INFO, false),
            ("info", Level::WARN, true),
            ("debug", Level::INFO, true),
            ("info,tower_http=debug", Level::INFO, true),
            ("error", Level::WARN, false),
            ("off", Level::ERROR, false),
        ] {
            let filter = Filter::parse(text).unwrap().without_access_log();
            let targets = filter.into_targets();
            assert_eq!(
                targets.would_enable("tower_http::trace::on_response", &level),
                expected,
                "{text}: {level}"
            );
            assert_eq!(targets.would_enable("demo", &Level::INFO), text.contains("info") || text == "debug");
        }
    }

    #[test]
    fn a_text_that_is_no_filter_gets_a_clear_error() {
        for (text, expected) in [
            ("", FilterError::Empty),
            ("info,", FilterError::Empty),
            ("verbose", FilterError::Word("verbose".into())),
            ("INFO", FilterError::Word("INFO".into())),
            ("3", FilterError::Word("3".into())),
            ("hyper=loud", FilterError::Level { target: "hyper".into(), level: "loud".into() }),
            ("hyper=", FilterError::Level { target: "hyper".into(), level: String::new() }),
            ("=debug", FilterError::Target("=debug".into())),
            ("a[{b}]=debug", FilterError::Target("a[{b}]=debug".into())),
        ] {
            assert_eq!(Filter::parse(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(
            Filter::parse("verbose").unwrap_err().to_string(),
            "`verbose` is no log level: expected `off`, `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,hyper=debug`",
        );
    }

    #[test]
    fn clients_mistakes_are_logged_at_debug_or_when_they_are_named() {
        for (text, logged) in [
            ("error", false),
            ("info", false),
            ("info,hyper=debug", false),
            ("debug", true),
            ("info,actix_http=error", true),
        ] {
            let targets = Filter::parse(text).unwrap().into_targets();
            assert_eq!(targets.would_enable(super::CLIENTS_MISTAKES, &Level::ERROR), logged, "{text}");
        }
    }
}
