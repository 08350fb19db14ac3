//! The operational routes. Each answers with a status, a content type and bytes.

use std::{future::ready, net::SocketAddr};

use configs::{AppConfig, SourceStatus};
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::{
    answer::{Answer, json, json_answer},
    error::Error,
    fault, history,
    options::Inspected,
    overrides,
    request::RequestContext,
    site::Site,
};

/// An operational route. It answers `GET` and `HEAD`.
pub struct Operation {
    pub(crate) path: &'static str,
    pub(crate) is_guarded: bool,
    /// While this is false for the configuration in force, the path is unknown.
    pub(crate) is_on: fn(&AppConfig) -> bool,
    answer: fn(&Site, &RequestContext) -> Answering,
}

type Answering = BoxFuture<'static, Result<Answer, Error>>;

/// The operational routes. A demo mounts all of them in the same way, so a new row is all that a new route takes.
pub(crate) const OPERATIONS: &[Operation] = &[
    guarded("/config/history", |site, _| now(site.history())),
    guarded(overrides::PATH, |site, _| now(site.overrides())),
    guarded("/metrics", |site, _| now(site.metrics())),
    debug("/debug/config", |site, _| now(site.inspected_config())),
    debug("/debug/connections", |site, _| now(site.inspected(Inspected::Connections))),
    debug("/debug/pool", |site, _| Box::pin(ready(site.inspected_pool()))),
    debug("/debug/pprof/profile", |site, request| Box::pin(site.profile(request))),
    debug("/debug/runtime", |site, _| now(site.inspected(Inspected::Runtimes))),
    debug("/debug/threads", |site, _| now(site.inspected(Inspected::Threads))),
    open("/page.js", |_, _| now(page_script())),
    open("/healthz", |_, _| now(healthz())),
    open("/readyz", |site, request| now(site.readyz(request))),
];

impl Operation {
    /// The routes that are answered only if [`RequestContext::authorized`] agrees.
    pub fn guarded() -> impl Iterator<Item = &'static Operation> {
        OPERATIONS.iter().filter(|operation| operation.is_guarded)
    }

    /// The routes that everybody may ask for.
    pub fn open() -> impl Iterator<Item = &'static Operation> {
        OPERATIONS.iter().filter(|operation| !operation.is_guarded)
    }

    /// The path, from `/`.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Answers a request of this route.
    pub fn answer(&self, site: &Site, request: &RequestContext) -> Answering {
        (self.answer)(site, request)
    }
}

const fn guarded(path: &'static str, answer: fn(&Site, &RequestContext) -> Answering) -> Operation {
    Operation { path, is_guarded: true, is_on: |_| true, answer }
}

/// A guarded route that is answered while `debug` is true.
const fn debug(path: &'static str, answer: fn(&Site, &RequestContext) -> Answering) -> Operation {
    Operation { path, is_guarded: true, is_on: |config| config.debug, answer }
}

const fn open(path: &'static str, answer: fn(&Site, &RequestContext) -> Answering) -> Operation {
    Operation { path, is_guarded: false, is_on: |_| true, answer }
}

/// An answer that needs no waiting.
fn now(answer: Answer) -> Answering {
    Box::pin(ready(Ok(answer)))
}

/// `GET /page.js`: the script that follows `/events`.
fn page_script() -> Answer {
    Answer::new(200, "text/javascript", livepage::SCRIPT)
}

/// `GET /healthz`: the process can answer.
fn healthz() -> Answer {
    fault::strike("/healthz");
    json(200, r#"{"status":"ok"}"#)
}

impl Site {
    /// `GET /config/history`: the configuration's attempts.
    fn history(&self) -> Answer {
        json(200, history::json(&self.configs().history()))
    }

    /// `GET /readyz`: the process wants new requests.
    fn readyz(&self, config: &RequestContext) -> Answer {
        #[derive(Serialize)]
        struct Ready<'a> {
            status: &'static str,
            generation: u64,
            digest: &'a str,
            revision: Option<u64>,
            address: Option<SocketAddr>,
            #[serde(skip_serializing_if = "Option::is_none")]
            environment: Option<&'a str>,
            #[serde(flatten, skip_serializing_if = "Option::is_none")]
            remote: Option<Remote<'a>>,
        }
        let draining = self.is_draining();
        let body = Ready {
            status: if draining { "draining" } else { "ready" },
            generation: config.generation(),
            digest: config.digest(),
            revision: config.revision(),
            address: self.address(),
            environment: self.state().environment(),
            remote: Remote::of(self),
        };
        json_answer(if draining { 503 } else { 200 }, &body)
    }

    /// `GET /metrics`: the figures in the Prometheus text format.
    fn metrics(&self) -> Answer {
        Answer::new(200, "text/plain; version=0.0.4; charset=utf-8", self.metrics_text())
    }
}

/// The part of `/readyz` for a configuration that comes from sources.
#[derive(Serialize)]
struct Remote<'a> {
    /// The name that decides to which canaries this server belongs.
    name: Option<&'a str>,
    variant: &'static str,
    sources: Vec<Status>,
}

#[derive(Serialize)]
struct Status {
    source: String,
    version: Option<String>,
    state: &'static str,
    age_seconds: u64,
}

impl<'a> Remote<'a> {
    fn of(site: &'a Site) -> Option<Self> {
        let statuses = site.configs().sources();
        let status = |status: SourceStatus| Status {
            source: status.name,
            version: status.version,
            state: status.state.as_str(),
            age_seconds: status.age.as_secs(),
        };
        (!statuses.is_empty()).then(|| Remote {
            name: site.name(),
            variant: site.configs().variant().as_str(),
            sources: statuses.into_iter().map(status).collect(),
        })
    }
}
