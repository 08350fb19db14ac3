//! Makes and checks the connections of one pool.

use std::sync::Once;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::{CancelToken, Config, NoTls, Row};

use crate::error::Error;
use crate::runtime::runtime;
use crate::settings::Settings;

/// Upper bound on an attempt to connect, and on the wait of a task while all connections are in use.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Time for the answer of a connection that was given back, and for the cancelling of a query.
pub(crate) const PING: Duration = Duration::from_secs(1);

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
    /// The settings with the name of this pool.
    config: Config,
    pub(crate) phase: watch::Sender<Phase>,
    /// The failure of the last attempt. After one only the background tries.
    pub(crate) failure: watch::Sender<Option<Error>>,
    capacity: Once,
}

/// The phase of a pool.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    /// Its settings are only tried.
    Trial,
    /// It is the current pool.
    InForce,
    /// There is a newer pool, and this one is drained.
    Replaced,
    /// All its connections end.
    Cut,
}

impl Connector {
    pub(crate) fn new(number: u64, settings: Settings) -> Self {
        let mut config = settings.config.clone();
        let application = format!("{} pool {number}", config.get_application_name().unwrap_or("livepool"));
        config.application_name(application);
        Self {
            settings,
            config,
            phase: watch::Sender::new(Phase::Trial),
            failure: watch::Sender::default(),
            capacity: Once::new(),
        }
    }

    /// Connects, sends a query, and records the outcome.
    pub(crate) async fn connect(&self) -> Result<ClientWrapper, Error> {
        let query = if self.capacity.is_completed() { "SELECT 1" } else { CAPACITY };
        let attempt = connect(self.config.clone(), self.phase.subscribe(), query);
        let connected = match runtime()?.spawn(timeout(PATIENCE, attempt)).await {
            Ok(Ok(Ok((client, row)))) => {
                self.capacity.call_once(|| self.compare_capacity(row.get(0), row.get(1)));
                Ok(client)
            }
            Ok(Ok(Err(error))) => Err(Error::of(&error, &self.config)),
            Ok(Err(_)) => {
                let reason = format!("no answer within {} s", PATIENCE.as_secs());
                Err(Error::unreachable(&self.config, &reason))
            }
            Err(ended) => Err(Error::Refused(format!("the attempt has ended: {ended}"))),
        };
        self.failure.send_replace(connected.as_ref().err().cloned());
        connected
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
}

/// The pauses between attempts in the background: they double from 100 ms to 5 s. A random part of up to the same length is
/// added. So servers that lost one database do not come back to it at the same moment.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> + Send {
    let pauses = ExponentialBuilder::new().with_min_delay(Duration::from_millis(100));
    pauses.with_max_delay(Duration::from_secs(5)).with_jitter().without_max_times().build()
}

impl Manager for Connector {
    type Type = ClientWrapper;
    type Error = Error;

    async fn create(&self) -> Result<ClientWrapper, Error> {
        let failure = self.failure.borrow().clone();
        match failure {
            Some(failure) => Err(failure),
            None => self.connect().await,
        }
    }

    /// A connection that was given back answers at once, unless its query still runs.
    async fn recycle(&self, client: &mut ClientWrapper, _: &Metrics) -> RecycleResult<Error> {
        let Ok(answer) = timeout(PING, client.check_connection()).await else {
            cancel(client.cancel_token()).await;
            return Err(RecycleError::message("the connection does not answer"));
        };
        answer.map_err(|error| RecycleError::message(error.to_string()))
    }
}

/// Connects and sends a query. When the pool is cut, the query that runs then is cancelled and the connection is closed.
async fn connect(
    config: Config,
    mut phase: watch::Receiver<Phase>,
    query: &str,
) -> Result<(ClientWrapper, Row), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let token = client.cancel_token();
    let cut = async move {
        if phase.wait_for(|phase| *phase == Phase::Cut).await.is_ok() {
            cancel(token).await;
        }
    };
    let served = tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!("a connection to the database has ended: {error}");
            },
            () = cut => {}
        }
    });
    let client = ClientWrapper::new(client, served);
    let row = client.query_one(query, &[]).await?;
    Ok((client, row))
}

/// Cancels the query of a connection.
async fn cancel(token: CancelToken) {
    let _ = timeout(PING, token.cancel_query(NoTls)).await;
}
