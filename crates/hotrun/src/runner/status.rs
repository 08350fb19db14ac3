//! The state of a program, for requests.

use intercept::Address;

use crate::generation::Generation;
use crate::journal::{Problem, ProgramStatus, RequestResult, ServerStatus, State};
use crate::plan::How;
use crate::supervisor::Event;

use super::Flow;
use super::program::Program;

impl Program {
    /// Gives the event of a request to the supervisor.
    pub(super) fn begin(&mut self, event: Event) -> Flow {
        self.has_failed = false;
        self.overdue = None;
        self.apply(event)
    }

    /// The outcome of the last request. `None` while something is under way.
    pub(super) fn outcome(&self) -> Option<RequestResult> {
        if let Some(words) = &self.overdue {
            return Some(RequestResult::failed(words.clone(), String::new()));
        }
        if !self.supervisor.is_settled() {
            return None;
        }
        if self.has_failed || self.supervisor.is_out() {
            let page = self.diagnosis.clone();
            return Some(RequestResult::failed(page.reason, page.output));
        }
        let server = self.supervisor.current();
        let words = server.map_or("nothing runs".to_owned(), |server| format!("server {server} serves"));
        Some(RequestResult::good(server, words))
    }

    pub(super) fn status(&self) -> ProgramStatus {
        let current = self.supervisor.current();
        let server = |(id, one): (&u32, &Generation)| {
            let state = match (one.is_ready(), Some(*id) == current) {
                (true, true) => "serves",
                (true, false) => "leaves",
                (false, _) => "starts",
            };
            ServerStatus { server: *id, state: state.to_owned(), process: one.tree().leader() }
        };
        let state = match (self.wanted.is_some(), self.supervisor.is_settled(), current) {
            (true, ..) => State::Builds,
            (_, false, _) => State::Starts,
            (.., Some(_)) => State::Serves,
            (.., None) => State::ServesNothing,
        };
        let addresses = current.and_then(|id| self.generations.get(&id)).map(|one| self.addresses(one));
        let is_bad = self.has_failed || self.supervisor.is_out();
        let problem =
            || Problem { reason: self.diagnosis.reason.clone(), output: self.diagnosis.output.clone() };
        let bin = match &self.plan.build.how {
            How::Cargo { binary, .. } => Some(binary.clone()),
            _ => None,
        };
        ProgramStatus {
            bin,
            state,
            addresses: addresses.unwrap_or_default(),
            servers: self.generations.iter().map(server).collect(),
            build: self.last_build.clone(),
            problem: is_bad.then(problem),
        }
    }

    /// The addresses at which the server is reached: of TCP as ones that can be clicked on, of Unix sockets as `unix:PATH`.
    pub(super) fn addresses(&self, generation: &Generation) -> Vec<String> {
        let mut addresses = generation.addresses.clone();
        if addresses.is_empty() {
            addresses = self.owned.addresses();
        }
        addresses.iter().map(clickable).collect()
    }
}

/// An address for a browser. One that stands for all addresses of the machine is no address of a server.
fn clickable(address: &Address) -> String {
    match address.tcp() {
        Some(address) if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        Some(address) => format!("http://{address}"),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use intercept::Address;

    use super::clickable;

    #[test]
    fn an_address_can_be_clicked_on() {
        for (address, expected) in [
            ("127.0.0.1:80", "http://127.0.0.1:80"),
            ("[::1]:80", "http://[::1]:80"),
            ("0.0.0.0:80", "http://localhost:80"),
            ("[::]:80", "http://localhost:80"),
        ] {
            assert_eq!(clickable(&address.parse::<SocketAddr>().unwrap().into()), expected);
        }
        assert_eq!(clickable(&Address::Unix("/p/app.sock".into())), "unix:/p/app.sock");
    }
}
