//! Messages about requests that a server could not finish.

use crate::idle::{Language, Owed};
use crate::plan::How;

use super::Program;

impl Program {
    /// Warns once that the signal has ended a program that owed answers, and shows how such a program finishes them.
    pub(super) fn say_cut(&mut self, server: u32, owed: Owed) {
        if owed.connections == 0 || self.said.cut {
            return;
        }
        self.said.cut = true;
        let signal = self.plan.stop.signal.name();
        let connections = connections(owed.connections);
        let advice = self.advice(owed.language).replace("SIGTERM", signal);
        self.report.warning(&format!(
            "{connections} of server {server} still waited for an answer and had to be cut, since {signal} ends the program at once; \
             {advice}"
        ));
    }

    /// Warns that a server has not ended in time.
    pub(super) fn say_overdue(&self, server: u32, busy: usize) {
        let (signal, delay) = (self.plan.stop.signal.name(), self.plan.stop.kill_delay);
        let waited = if busy == 0 {
            String::new()
        } else {
            format!("; {} still waited for an answer", connections(busy))
        };
        let delay = crate::report::spoken(delay);
        self.report
            .warning(&format!("server {server} has not ended {delay} after {signal} and is killed{waited}"));
    }

    /// Advice for a program in this language: the way to finish its requests.
    fn advice(&self, language: Language) -> &'static str {
        let is_rust =
            matches!(self.plan.build.how, How::Cargo { .. }) || self.plan.root.join("Cargo.toml").is_file();
        match language {
            Language::Go => {
                "`signal.NotifyContext(ctx, syscall.SIGTERM)`, then `server.Shutdown` once it is done, finishes them"
            }
            Language::JavaScript => "`process.on(\"SIGTERM\", () => server.close())` finishes them",
            Language::Python => {
                "`signal.signal(signal.SIGTERM, ...)` with a handler that shuts the server down finishes them; uvicorn and \
                 gunicorn do that by themselves"
            }
            Language::Other if is_rust => {
                "a graceful shutdown at SIGTERM finishes them: in axum `axum::serve(listener, app).with_graceful_shutdown(..)` \
                 with `tokio::signal::unix`; actix-web does it by itself"
            }
            Language::Other => {
                "a handler for SIGTERM that finishes the requests under way and then ends saves them"
            }
        }
    }
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}
