//! The site as a process: its listener, its log and its settings.

use std::{future::pending, io};

use lifecycle::{
    BindError, Endpoint, Filter, FilterHandle, Handle, Inherited, Logs, MoveError, Outcome, ProgramWatch,
    Rules, Server,
};
use site::{AppConfig, Rejection, Site};

use crate::{cli::Cli, failure::Failure};

/// Serves `site` on the inherited listener, or on the address in its configuration, until a signal ends it.
pub(crate) fn serve<S, F>(
    name: &str,
    cli: &Cli,
    inherited: Inherited,
    logs: &Logs,
    site: &Site,
    serve: S,
) -> Result<(), Failure>
where
    S: Fn(Site, Endpoint) -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let config = site.config();
    let (reloaded, ruled) = (site.clone(), site.clone());
    let mut server = Server::new(inherited, &config.host, config.port)
        .map_err(Failure::Bind)?
        .drain_timeouts(cli.drain_timeouts())
        .probation(cli.probation)
        .upgrade_rules(move || rules(&ruled.config()))
        .on_reload(move || {
            let site = reloaded.clone();
            async move { site.reload().await }
        });
    let handle = server.handle();
    site.refuse_overrides_while(move || handle.is_handing_over());
    if let Some(path) = &cli.pid_file {
        server = server.pid_file(path);
    }
    follow(site, &config, &server.handle(), &logs.filter_handle(), cli.access_log())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::system)?;
    let _listed = lifecycle::register_runtime("main", runtime.handle());
    let page = site.clone();
    let outcome = runtime.block_on(async {
        let server = server.ready(move |endpoint| serve_at(&page, endpoint, &serve)).await?;
        logs.announce(format_args!(
            "{name} serves http://{}/ (instance {}, process {})",
            server.address(),
            lifecycle::instance(),
            std::process::id(),
        ));
        server.run().await
    });
    // A job that is still blocked, such as the copy of a program from a disk that hangs, is not waited for.
    runtime.shutdown_background();
    match outcome? {
        Outcome::Clean => tracing::info!("stopped, nothing was cut"),
        Outcome::Cut(left) => tracing::warn!("stopped at the deadline, {left} connections were cut"),
        Outcome::Forced(left) => tracing::warn!("stopped at once, {left} connections were cut"),
    }
    Ok(())
}

/// The statistics of this process for `/metrics`.
pub(crate) fn process_stats() -> site::ProcessStats {
    let stats = lifecycle::process_stats();
    site::ProcessStats {
        connections: stats.connections,
        connections_peak: stats.connections_peak,
        tasks: stats.tasks,
        drains: vec![
            ("clean", stats.drains.clean),
            ("cut", stats.drains.cut),
            ("forced", stats.drains.forced),
        ],
        upgrades: stats.upgrades,
        log_lines_dropped: stats.lines_dropped,
        memory: stats.memory.unwrap_or_default(),
        descriptors: stats.descriptors.unwrap_or_default(),
        threads: stats.threads.unwrap_or_default(),
    }
}

/// Serves the site at one listener. From now on clients of the other listeners are sent there when those drain.
fn serve_at<S, F>(
    site: &Site,
    endpoint: Endpoint,
    serve: &S,
) -> impl Future<Output = io::Result<()>> + Send + use<S, F>
where
    S: Fn(Site, Endpoint) -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let site = site.served_at(endpoint.address());
    let drain = endpoint.drain().clone();
    let served = serve(site.clone(), endpoint);
    async move {
        let told = async {
            // Answers close their connections by now, so that a client which hears `bye` does not come back here.
            drain.begun().await;
            site.drain();
            pending::<()>().await;
        };
        tokio::select! {
            ended = served => ended,
            () = told => Ok(()),
        }
    }
}

/// Lets the log, the listener and the watch of the program follow the settings. An edit that cannot be put in force here is
/// rejected. `opened` has the address that the server was made for.
fn follow(
    site: &Site,
    opened: &AppConfig,
    handle: &Handle,
    log: &FilterHandle,
    access_log: bool,
) -> Result<(), Failure> {
    let (server, filter_handle) = (handle.clone(), log.clone());
    let program_watch = ProgramWatch::new(handle.clone());
    let watch = program_watch.clone();
    site.on_prepare(move |old, new| {
        let filter = filter(new, access_log)?;
        let (host, port) = (old.host != new.host, old.port != new.port);
        let other = (host || port).then(|| server.prepare_move(&new.host, new.port));
        let other = other.transpose().map_err(|error| rejection(host, port, &error))?;
        let filter_handle = filter_handle.clone();
        let watch = watch
            .prepare(new.upgrade.watch, rules(new))
            .map_err(|error| Rejection::new("upgrade.watch", error.to_string()))?;
        Ok(Box::new(move || {
            filter_handle.apply(filter);
            watch();
            if let Some(other) = other {
                other.commit();
            }
        }))
    });
    // An edit between the start and this line was not prepared here.
    let config = site.config();
    if let Ok(filter) = filter(&config, access_log) {
        log.apply(filter);
    }
    if (&opened.host, opened.port) != (&config.host, config.port)
        && let Err(error) = handle.move_to(&config.host, config.port)
    {
        tracing::error!("{error}; the address stays as it is");
    }
    program_watch.prepare(config.upgrade.watch, rules(&config)).map_err(Failure::system)?();
    Ok(())
}

fn filter(config: &AppConfig, access_log: bool) -> Result<Filter, Rejection> {
    let filter = Filter::parse(&config.settings.log_level)
        .map_err(|error| Rejection::new("settings.log_level", error.to_string()))?;
    Ok(if access_log { filter } else { filter.without_access_log() })
}

/// The programs that an upgrade may start.
fn rules(config: &AppConfig) -> Rules {
    Rules { sha256: config.upgrade.sha256.clone(), public_key: config.upgrade.public_key.clone() }
}

/// Blames the key that was edited; of two, the one that the error is about.
fn rejection(host: bool, port: bool, error: &MoveError) -> Rejection {
    use io::ErrorKind::{AddrNotAvailable, InvalidInput};
    let of_the_host = matches!(
        error,
        MoveError::Bind(BindError { reason, .. }) if matches!(reason.kind(), AddrNotAvailable | InvalidInput)
    );
    let path = if host && (of_the_host || !port) { "host" } else { "port" };
    Rejection::new(path, error.to_string())
}
