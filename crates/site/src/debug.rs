//! The debug routes: the state of the process, as JSON. They are answered while `debug` is true.

use configs::EffectiveValue;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, json_answer},
    error::Error,
    options::Inspected,
    profile,
    request::RequestContext,
    site::Site,
};

impl Site {
    /// `GET /debug/config`: every value in force, and the place that it came from. Secrets read `***`.
    pub(crate) fn inspected_config(&self) -> Answer {
        json_answer(200, &self.configs().values().iter().map(value).collect::<Vec<_>>())
    }

    /// `GET /debug/pool`: the figures of the database pool.
    pub(crate) fn inspected_pool(&self) -> Result<Answer, Error> {
        Ok(json_answer(200, &self.pool().inspected()?))
    }

    /// `GET /debug/pprof/profile?seconds=10`: the processor time of the functions, for `go tool pprof`.
    pub(crate) fn profile(
        &self,
        request: &RequestContext,
    ) -> impl Future<Output = Result<Answer, Error>> + use<> {
        profile::profile(request.query().map(str::to_owned), self.drain_listener(request))
    }

    /// `GET /debug/connections`, `/debug/runtime` and `/debug/threads`.
    pub(crate) fn inspected(&self, part: Inspected) -> Answer {
        json_answer(200, &self.inspect(part))
    }
}

fn value(value: &EffectiveValue) -> Value {
    let (origin, layer) = match &value.origin {
        Some(origin) => (origin.to_string(), origin.layer()),
        None => ("built-in default".to_owned(), "default"),
    };
    json!({ "key": value.path, "value": value.value, "origin": origin, "layer": layer })
}
