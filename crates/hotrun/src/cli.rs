//! The command line.

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// Runs a server while it is being written: an edit is built beside it and takes over, no request fails
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
#[command(
    after_help = "In a Cargo project or a Go module nothing else is needed. Ctrl-C ends it, a second one at once."
)]
pub(crate) struct Cli {
    /// Which of the project's programs to run, if there are several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) bin: Option<String>,
    /// Settings, instead of the nearest `.hotrun.toml` or `.air.toml` at or above this folder
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say more: the plan, and what is run
    #[arg(short, long, global = true)]
    pub(crate) debug: bool,
    /// Colours: always, never, or auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", value_parser = ["auto", "always", "never"])]
    pub(crate) color: Option<String>,
    /// Write each event to stdout as a line of JSON; all that is for people goes to stderr
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no line of the program; `hotrun logs` has them
    #[arg(long)]
    pub(crate) only_hotrun: bool,
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    /// Arguments of the program, after those of the settings
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Say what would be watched, built, run and owned, and what is wrong
    Check {
        /// Arguments of the program, after those of the settings
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Write `.hotrun.toml`: every setting with its default, commented out
    Init,
    /// Say what the hotrun of this project does
    Status {
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the running hotrun build, and start what was built
    Reload {
        /// The program, if there are several; all without a name
        #[arg(value_name = "PROGRAM")]
        program: Option<String>,
        /// Wait for the outcome: status 0, or 1 with the diagnosis
        #[arg(long)]
        wait: bool,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the running hotrun start the same program again
    Restart {
        /// The program, if there are several; all without a name
        #[arg(value_name = "PROGRAM")]
        program: Option<String>,
        /// Wait for the outcome: status 0, or 1 with the diagnosis
        #[arg(long)]
        wait: bool,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// End the running hotrun, and wait until it has ended
    Stop,
    /// Print the messages of the running hotrun and the output of its builds
    Logs {
        /// The program, if there are several; all without a name
        #[arg(value_name = "PROGRAM")]
        program: Option<String>,
        /// Only those since the last build began
        #[arg(long)]
        since_build: bool,
        /// Then print what comes
        #[arg(short, long)]
        follow: bool,
        /// Every event as a line of JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn parse() -> Cli {
    let cli = Cli::parse();
    if cli.json && cli.what.is_some() {
        let words = "`--json` before a subcommand has no meaning; `status`, `reload`, `restart` and `logs` take it after their name";
        Cli::command().error(ErrorKind::ArgumentConflict, words).exit();
    }
    cli.settled()
}

impl Cli {
    /// The choice of `--color`.
    pub(crate) fn color_choice(&self) -> Option<ColorChoice> {
        Some(match self.color.as_deref()? {
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            _ => ColorChoice::Auto,
        })
    }

    /// The arguments of the program, given with or without a subcommand.
    fn settled(mut self) -> Self {
        if let Some(What::Check { args }) = &mut self.what {
            self.args.append(args);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::Parser;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_two_dashes_is_the_programs() {
        for (words, expected) in [
            (&["hotrun"][..], &[][..]),
            (&["hotrun", "--", "-v", "a b"], &["-v", "a b"]),
            (&["hotrun", "--bin", "x", "--", "check"], &["check"]),
            (&["hotrun", "check", "--", "-v"], &["-v"]),
            (&["hotrun", "-d", "-c", "f", "--", "-d"], &["-d"]),
            (&["hotrun", "check", "--bin", "x", "-c", "f"], &[]),
            (&["hotrun", "--bin", "x", "-c", "f", "check", "--", "-v"], &["-v"]),
        ] {
            assert_eq!(Cli::try_parse_from(words).unwrap().settled().args, expected, "{words:?}");
        }
    }

    #[test]
    fn what_does_not_belong_there_is_wrong_usage() {
        for words in [
            &["hotrun", "-x"][..],
            &["hotrun", "init", "--", "-v"],
            &["hotrun", "run"],
            &["hotrun", "--bin"],
            &["hotrun", "-c"],
        ] {
            assert_eq!(Cli::try_parse_from(words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }
}
