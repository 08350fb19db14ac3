//! The loop that follows one source.

use std::sync::Arc;

use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::client::Client;
use crate::shared::Shared;

/// Asks a source again and again. It ends when it is dropped.
pub(crate) async fn follow(mut client: Client, shared: Arc<Shared>) {
    let mut backoff = Backoff::default();
    loop {
        match client.fetch().await {
            Ok(fetched) => {
                backoff.reset();
                shared.fetched(fetched);
                tokio::select! {
                    () = client.wait() => {}
                    () = shared.refreshed() => {}
                }
            }
            Err(failure) => {
                shared.failed(&failure);
                tokio::select! {
                    () = sleep(backoff.next()) => {}
                    () = shared.refreshed() => {}
                }
            }
        }
    }
}
