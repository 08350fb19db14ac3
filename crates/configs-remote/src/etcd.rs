//! The documents below a key of etcd, by its JSON gateway (etcd 3.4 or newer).
//!
//! An event of the watch is only a hint: after it the documents are read again, all at one revision. They are also read every few
//! seconds. So nothing is missed when a watch falls silent, when revisions were compacted, or when etcd was restored from an older
//! snapshot.

pub(crate) mod answer;
mod gateway;
mod place;
pub(crate) mod watch;

use std::time::Duration;

use configs::{Format, SourceDocument, SourceText};
use tokio::time::sleep;

use crate::backoff::jittered;
use crate::etcd::answer::KeyValue;
use crate::etcd::gateway::Gateway;
pub(crate) use crate::etcd::place::Place;
use crate::etcd::watch::{Change, Watch};
use crate::failure::Failure;
use crate::fetched::Fetched;

/// Asks the endpoints of one etcd, one after the other, until one answers.
pub(crate) struct Etcd {
    place: Place,
    poll: Duration,
    /// The endpoint that is asked.
    at: usize,
    gateway: Gateway,
    watch: Option<Watch>,
    /// The revision of the last answer.
    revision: i64,
}

/// The endings of the keys below a prefix that are documents.
const ENDINGS: [&str; 4] = [".yaml", ".yml", ".toml", ".json"];
/// The pause after a watch that has ended by itself.
const AFTER_WATCH: Duration = Duration::from_millis(100);

impl Etcd {
    pub(crate) fn new(place: Place, poll: Duration) -> Etcd {
        let gateway = Gateway::new(place.endpoints[0].clone(), place.credentials.clone());
        Etcd { place, poll, at: 0, gateway, watch: None, revision: 0 }
    }

    pub(crate) async fn fetch(&mut self) -> Result<Fetched, Failure> {
        let mut left = self.place.endpoints.len();
        loop {
            left -= 1;
            match self.read().await {
                Err(failure) if left == 0 => {
                    self.rotate();
                    return Err(failure);
                }
                Err(_) => self.rotate(),
                fetched => return fetched,
            }
        }
    }

    /// Waits for an event, and no longer than until the next question is due.
    pub(crate) async fn wait(&mut self) {
        let pause = sleep(jittered(self.poll));
        let Some(watch) = &mut self.watch else { return pause.await };
        tokio::select! {
            change = watch.next() => if change == Change::Ended {
                self.watch = None;
                sleep(AFTER_WATCH).await;
            },
            () = pause => {}
        }
    }

    /// Reads all documents at one revision, then watches from there.
    async fn read(&mut self) -> Result<Fetched, Failure> {
        let range = self.gateway.range(&self.place.key, self.place.is_prefix).await?;
        if range.revision < self.revision {
            // It was restored from a snapshot: the watch waits for a revision that is long gone.
            self.watch = None;
        }
        self.revision = range.revision;
        let text = self.text(range.values)?;
        if self.watch.is_none() {
            // Without a watch, the documents are still read every few seconds.
            let response =
                self.gateway.watch(&self.place.key, self.place.is_prefix, range.revision + 1).await;
            self.watch = response.ok().map(Watch::new);
        }
        Ok(Fetched::Text(text))
    }

    fn text(&self, values: Vec<KeyValue>) -> Result<SourceText, Failure> {
        let is_document = |value: &KeyValue| {
            !self.place.is_prefix || ENDINGS.iter().any(|ending| value.key.ends_with(ending.as_bytes()))
        };
        let values: Vec<KeyValue> = values.into_iter().filter(is_document).collect();
        let Some(version) = values.iter().map(|value| value.mod_revision).max() else {
            return Err(self.place.nothing_there());
        };
        let document = |value: KeyValue| {
            let key = String::from_utf8_lossy(&value.key).into_owned();
            SourceDocument {
                name: self.place.name_of(&key),
                format: Format::of(key.as_ref()),
                text: value.value.into(),
            }
        };
        let documents = values.into_iter().map(document).collect();
        Ok(SourceText { version: version.to_string(), documents })
    }

    fn rotate(&mut self) {
        self.watch = None;
        self.at = (self.at + 1) % self.place.endpoints.len();
        self.gateway = Gateway::new(self.place.endpoints[self.at].clone(), self.place.credentials.clone());
    }
}
