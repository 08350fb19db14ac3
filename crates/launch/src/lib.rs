//! The command line of the demos.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! async fn serve(site: site::Site, endpoint: lifecycle::Endpoint) -> std::io::Result<()> {
//!     // a framework's server, until the drain of the endpoint is over
//! #   drop((site, endpoint)); Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     launch::run("Axum", serve)
//! }
//! ```
//!
//! # The invariant
//!
//! A mistake of the user ends in one diagnosis on stderr and its exit status, never in a panic. The status is 1 for a bad
//! configuration or template, 2 for wrong usage, 3 for an address or a process file that is in use.
//!
//! # Limits
//!
//! It knows no framework and answers no request.
//! Its Cargo feature `remote` lets `--config` name URLs and etcd, `tls` the same over TLS.

mod cli;
mod failure;
mod serve;
mod sources;

use std::{env, fmt::Display, io, io::Write, process::ExitCode};

use lifecycle::{Endpoint, Filter, Inherited, Logs, fault};
use serde_json::json;
use site::{Inspected, Layer, Options, Site};

use crate::{cli::Cli, failure::Failure};

/// Runs a demo: reads the command line, opens the site, and serves it with `serve` until a signal ends it.
///
/// `framework` is the name on the page. The program is called `demo-` and the name in lower case. Call it first in `main`: it
/// changes the environment, which no other thread may read meanwhile.
pub fn run<S, F>(framework: &'static str, serve: S) -> ExitCode
where
    S: Fn(Site, Endpoint) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    site::init();
    let name = format!("demo-{}", framework.to_lowercase());
    let cli = match Cli::parse_as(&name, env::args_os(), env::var_os("DEMO_CONFIG")) {
        Ok(cli) => cli,
        Err(usage) => {
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match start(&name, framework, &cli, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{name}: {failure}");
            failure.exit_code()
        }
    }
}

fn start<S, F>(name: &str, framework: &'static str, cli: &Cli, serve: S) -> Result<(), Failure>
where
    S: Fn(Site, Endpoint) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    if cli.schema {
        print(Site::schema());
        return Ok(());
    }
    fault::strike("new.begun");
    let inherited = Inherited::take().map_err(Failure::Inherited)?;
    fault::strike("new.reading");
    if let Some(pid) = cli.upgrade {
        return ask(pid);
    }
    if !cli.check {
        enough_descriptors()?;
    }
    let logs = Logs::start(&Filter::parse("info").expect("`info` is a filter"), cli.log_format);
    let site = Site::open(options(framework, cli)?)?;
    if cli.check {
        print("the configuration is valid, every template compiles, the page can be rendered");
        return Ok(());
    }
    serve::serve(name, cli, inherited, &logs, &site, serve)
}

fn options(framework: &'static str, cli: &Cli) -> Result<Options, Failure> {
    Ok(Options {
        config: cli
            .config
            .iter()
            .map(|name| Layer::named(name, |address| sources::open(address, cli)))
            .collect::<Result<_, _>>()?,
        #[cfg(feature = "remote")]
        name: Some(cli.name.clone().unwrap_or_else(configs_remote::host_name)),
        #[cfg(not(feature = "remote"))]
        name: None,
        // A name that is not UTF-8 is refused like any other that is none.
        environment: env::var_os("APP_ENV")
            .filter(|name| !name.is_empty())
            .map(|name| name.to_string_lossy().into_owned()),
        templates: cli.templates.clone(),
        set: cli.set.clone(),
        unknown_keys: cli.unknown_keys,
        instance: lifecycle::instance().to_owned(),
        build: lifecycle::build_id(),
        allow_rollback: cli.allow_rollback,
        drain_deadline: cli.drain_timeouts().deadline,
        keep_overrides: cli.keep_overrides.clone(),
        access_log: cli.access_log(),
        is_log_filter: |text| Filter::parse(text).is_ok(),
        process_stats: Box::new(serve::process_stats),
        inspect: |part| match part {
            Inspected::Connections => json!(lifecycle::connection_stats()),
            Inspected::Runtimes => json!(lifecycle::runtime_stats()),
            Inspected::Threads => json!(lifecycle::thread_stats()),
        },
        ..Options::new(framework)
    })
}

/// Raises the limit of open descriptors as far as it goes, and refuses one with which no server could answer.
fn enough_descriptors() -> Result<(), Failure> {
    // If the limit cannot be raised or read, the start goes on and shows what it is.
    let limit = lifecycle::raise_descriptor_limit().unwrap_or(u64::MAX);
    let needed = lifecycle::needed_descriptors();
    if limit < needed { Err(Failure::Descriptors { limit, needed }) } else { Ok(()) }
}

/// Asks the server with this process id to upgrade itself, and prints the outcome.
fn ask(pid: u32) -> Result<(), Failure> {
    match lifecycle::request_upgrade(pid) {
        Ok(Ok(words)) => {
            print(words);
            Ok(())
        }
        Ok(Err(words)) => Err(Failure::Upgrade(words)),
        Err(error) => {
            Err(Failure::Upgrade(format!("cannot ask process {pid}: {error}; is it one of these servers?")))
        }
    }
}

/// Prints to stdout. A reader that is gone is no failure.
fn print(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cli, options};

    #[test]
    fn an_old_pool_has_the_drain_deadline_of_the_server() {
        for (arguments, expected) in [(&["demo"][..], 10), (&["demo", "--drain-deadline", "60"], 60)] {
            let cli = Cli::parse_as("demo", arguments.iter().map(Into::into), None).unwrap();
            assert_eq!(options("Axum", &cli).unwrap().drain_deadline, Duration::from_secs(expected));
        }
    }
}
