//! From what was handed over to a process that serves.

use std::{io, sync::Arc};

use lifecycle::{
    Dial, Endpoint, Filter, Handed, Logs, Outcome, PidFile, Predecessor, Signals, Socket, fault, notify,
};
use site::{AppConfig, Rejection, Site};
use tokio::sync::mpsc;

use crate::{cli::Cli, failure::Failure, life::Life, pier::Pier, succession::Succession};

/// Serves `site` on the socket handed over, or on the one that the configuration names, until a signal ends it.
pub(crate) fn serve<S, F>(
    name: &str,
    cli: &Cli,
    handed: Handed,
    logs: &Logs,
    site: Site,
    serve: S,
) -> Result<(), Failure>
where
    S: Fn(Site, Endpoint) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + 'static,
{
    let config = site.config();
    let bind = || Socket::bind_host(&config.host, config.port).map_err(Failure::Bind);
    let Handed { socket, predecessor } = handed;
    // What a predecessor hands on is its own socket, which an edit may have moved meanwhile.
    let socket = socket.filter(|socket| socket.is_shared() || socket.is_at(&config.host, config.port));
    let socket = socket.map_or_else(bind, Ok)?;
    if let Err(error) = lifecycle::raise_descriptor_limit() {
        tracing::warn!("the limit of open descriptors stays as it is: {error}");
    }
    let (places, opened) = mpsc::unbounded_channel();
    let pier = Arc::new(Pier::new(site.clone(), cli.terms(), serve, places));
    let berth = pier.berth(socket).map_err(Failure::Serve)?;
    if let Some(predecessor) = &predecessor {
        predecessor.ready();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Serve)?;
    let outcome = runtime.block_on(async {
        // Whoever reads the process file may send a signal at once.
        let signals = Signals::new().map_err(Failure::Serve)?;
        let before = predecessor.as_ref().and_then(Predecessor::pid);
        let pid_file = cli.pid_file.as_ref().map(|path| PidFile::create(path, before));
        let pid_file = pid_file.transpose().map_err(Failure::PidFile)?;
        fault::strike("new.entering");
        logs.announce(format_args!(
            "{name} serves http://{}/ (instance {}, process {})",
            berth.address(),
            lifecycle::instance(),
            std::process::id(),
        ));
        notify::ready();
        pier.open(berth);
        fault::strike("new.serving");
        let before = predecessor.map(Predecessor::serving).transpose().map_err(Failure::Serve)?;
        follow(&site, &pier, logs.dial());
        let succession = Succession::new(before, cli.probation);
        Life::new(site, pier, signals, opened, succession, pid_file).live().await.map_err(Failure::Serve)
    })?;
    match outcome {
        Outcome::Clean => tracing::info!("stopped, nothing was cut"),
        Outcome::Cut(left) => tracing::warn!("stopped at the deadline, {left} connections were cut"),
        Outcome::Forced(left) => tracing::warn!("stopped at once, {left} connections were cut"),
    }
    Ok(())
}

/// The process's own figures, in the site's terms.
pub(crate) fn figures() -> site::Figures {
    let figures = lifecycle::figures();
    site::Figures {
        connections: figures.connections,
        drains: vec![
            ("clean", figures.drains.clean),
            ("cut", figures.drains.cut),
            ("forced", figures.drains.forced),
        ],
        upgrades: figures.upgrades,
        log_lines_dropped: figures.lines_dropped,
        memory: figures.memory.unwrap_or_default(),
        descriptors: figures.descriptors.unwrap_or_default(),
        threads: figures.threads.unwrap_or_default(),
    }
}

/// From now on log and listener follow the settings, and an edit that cannot be put in force here is refused.
fn follow<S, F>(site: &Site, pier: &Arc<Pier<S>>, dial: Dial)
where
    S: Fn(Site, Endpoint) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + 'static,
{
    // The pier holds the site, so the site must not hold the pier.
    let (weak, last) = (Arc::downgrade(pier), dial.clone());
    site.on_prepare(move |old, new| {
        let filter = filter(new)?;
        let moved = weak.upgrade().map(|pier| pier.prepare(old, new)).transpose()?;
        let dial = dial.clone();
        Ok(Box::new(move || {
            dial.apply(filter);
            if let Some(commit) = moved {
                commit();
            }
        }))
    });
    // An edit between the start and this line had nobody to ask.
    let config = site.config();
    if let Ok(filter) = filter(&config) {
        last.apply(filter);
    }
    pier.settle(&config);
}

fn filter(config: &AppConfig) -> Result<Filter, Rejection> {
    Filter::parse(&config.settings.log_level)
        .map_err(|error| Rejection::new("settings.log_level", error.to_string()))
}
