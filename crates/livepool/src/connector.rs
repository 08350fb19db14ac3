//! Makes and checks the connections of one pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_postgres::{CancelToken, NoTls};

use crate::error::{Error, Kind};
use crate::runtime::LazyRuntime;
use crate::settings::{Options, Settings};

/// Time for the answer of a connection that was given back, and for the cancelling of a query.
const PING: Duration = Duration::from_secs(1);

/// `max_connections`, and what is left of it for this role.
const CAPACITY: &str = "
SELECT current_setting('max_connections')::int,
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0)
    - (SELECT count(*)::int FROM pg_stat_activity WHERE usename <> current_user)";

/// Makes and checks the connections of one pool.
pub(crate) struct Connector {
    pub(crate) settings: Settings,
    config: tokio_postgres::Config,
    timeout: Duration,
    runtime: Arc<LazyRuntime>,
    /// The outcome of the last attempt. After a failure only the background tries.
    failure: watch::Sender<Option<Error>>,
    /// False while the settings are only tried.
    in_force: AtomicBool,
    /// True ends all connections.
    cut: watch::Sender<bool>,
    has_capacity: AtomicBool,
}

impl Connector {
    pub(crate) fn new(
        number: u64,
        settings: Settings,
        options: &Options,
        runtime: &Arc<LazyRuntime>,
    ) -> Self {
        Self {
            config: settings.connect_config(&format!("{} pool {number}", options.application)),
            settings,
            timeout: options.timeout,
            runtime: Arc::clone(runtime),
            failure: watch::Sender::default(),
            in_force: AtomicBool::new(false),
            cut: watch::Sender::new(false),
            has_capacity: AtomicBool::new(false),
        }
    }

    /// The failure of the last attempt.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.borrow().clone()
    }

    /// From now on failures are logged, and the background tries again.
    pub(crate) fn put_in_force(self: &Arc<Self>) {
        self.in_force.store(true, Ordering::Relaxed);
        if let Some(error) = self.failure() {
            self.reconnect(&error);
        }
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Connects, sends a query, and records the outcome.
    async fn connect(self: &Arc<Self>) -> Result<ClientWrapper, Error> {
        let attempt = {
            let connector = Arc::clone(self);
            self.runtime.handle()?.spawn(async move {
                let attempt = timeout(connector.timeout, connector.attempt()).await;
                attempt.map(|done| done.map_err(|error| Error::of(&error, &connector.settings)))
            })
        };
        let connected = match attempt.await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Error::unreachable(
                &self.settings,
                format_args!("no answer within {} s", self.timeout.as_secs_f64()),
            )),
            Err(ended) => Err(Error::new(Kind::Refused, format!("the pool has ended: {ended}"))),
        };
        match &connected {
            Ok(_) => {
                if self.failure.send_replace(None).is_some() {
                    tracing::info!("the database answers again");
                }
            }
            Err(error) => {
                let is_first = self.failure.send_replace(Some(error.clone())).is_none();
                if is_first && self.in_force.load(Ordering::Relaxed) {
                    self.reconnect(error);
                }
            }
        }
        connected
    }

    async fn attempt(&self) -> Result<ClientWrapper, tokio_postgres::Error> {
        let mut cut = self.cut.subscribe();
        let (client, connection) = self.config.connect(NoTls).await?;
        let client = ClientWrapper::new(
            client,
            tokio::spawn(async move {
                tokio::select! {
                    ended = connection => if let Err(error) = ended {
                        tracing::debug!("a connection to the database has ended: {error}");
                    },
                    _ = cut.wait_for(|cut| *cut) => {}
                }
            }),
        );
        if self.has_capacity.swap(true, Ordering::Relaxed) {
            client.simple_query("SELECT 1").await?;
        } else {
            let row = client.query_one(CAPACITY, &[]).await?;
            self.compare_capacity(row.get(0), row.get(1));
        }
        Ok(client)
    }

    /// Warns if two processes in an upgrade, each with an old pool beside its current one, need more connections than are left.
    fn compare_capacity(&self, max_connections: i32, left: i32) {
        let size = self.settings.pool_size;
        let needed = size.saturating_mul(4);
        if needed > usize::try_from(left).unwrap_or(0) {
            tracing::warn!(
                "a pool of {size} connections may need {needed} of them during an upgrade, and the database has {left} \
                 left of `max_connections`, {max_connections}: lower the pool's size or raise `max_connections`"
            );
        }
    }

    /// Connects again and again in the background, until that works or the pool is gone.
    fn reconnect(self: &Arc<Self>, error: &Error) {
        tracing::warn!("the database: {error}; it is tried again");
        let connector = Arc::downgrade(self);
        let Ok(runtime) = self.runtime.handle() else { return };
        runtime.spawn(async move {
            for pause in pauses() {
                sleep(pause).await;
                let Some(connector) = connector.upgrade() else { return };
                if *connector.cut.borrow() || connector.connect().await.is_ok() {
                    return;
                }
            }
        });
    }
}

/// The pauses between attempts in the background: they double from 100 ms to 5 s. A random part of the same length is added,
/// so that servers that lost one database do not come back to it at the same moment.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> + Send {
    let pauses = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100));
    pauses.with_max_delay(Duration::from_secs(5)).with_jitter().without_max_times().build()
}

/// Cancels the query of a connection.
pub(crate) async fn cancel(token: CancelToken) {
    let _ = timeout(PING, token.cancel_query(NoTls)).await;
}

/// deadpool's side of a [`Connector`].
pub(crate) struct Connections(pub(crate) Arc<Connector>);

impl Manager for Connections {
    type Type = ClientWrapper;
    type Error = Error;

    async fn create(&self) -> Result<ClientWrapper, Error> {
        match self.0.failure() {
            Some(failure) => Err(failure),
            None => self.0.connect().await,
        }
    }

    /// A connection that was given back answers at once, unless its query still runs.
    async fn recycle(&self, client: &mut ClientWrapper, _: &Metrics) -> RecycleResult<Error> {
        match timeout(PING, client.check_connection()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => {}
            Err(_) => {
                if let Ok(runtime) = self.0.runtime.handle() {
                    runtime.spawn(cancel(client.cancel_token()));
                }
            }
        }
        Err(RecycleError::message("the connection does not answer"))
    }
}
