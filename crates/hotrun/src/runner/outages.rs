//! Answers in the place of a server while there is none.

use crate::journal::Event;
use crate::outage::Outage;

use super::Program;

impl Program {
    /// Begins or ends to answer requests with the reason why no server serves. While a build or a start is under way, requests wait.
    pub(super) fn see_outage(&mut self) {
        if !self.supervisor.is_out() {
            self.end_outage();
        } else if !self.outage.is_on {
            self.begin_outage();
        }
    }

    fn begin_outage(&mut self) {
        self.outage.is_on = true;
        let page = self.diagnosis.clone();
        self.report.event(Event::Down { reason: page.reason.clone() });
        if let Some(proxy) = &self.proxy {
            proxy.refuse(Some(page));
        } else {
            let listeners = self.owned.duplicates(|_| true).unwrap_or_default();
            if listeners.is_empty() {
                return;
            }
            match Outage::start(listeners, page) {
                Ok(outage) => self.outage.outage = Some(outage),
                Err(error) => {
                    self.report.warning(&format!("requests wait, since they cannot be answered: {error}"));
                    return;
                }
            }
        }
        self.report.main("requests are answered with 503 and the reason");
    }

    pub(super) fn end_outage(&mut self) {
        if !std::mem::take(&mut self.outage.is_on) {
            return;
        }
        if let Some(proxy) = &self.proxy {
            proxy.refuse(None);
        }
        self.outage.ending.retain(|thread| !thread.is_finished());
        self.outage.ending.extend(self.outage.outage.take().map(Outage::end));
    }
}
