//! A listener that was registered, and what it was told about the watching.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use filewatch::Degraded;

use crate::callbacks::catch_panic;
use crate::history::Event;

/// Is told of each degraded state once, and of the end of those that it was told of.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Mutex<Told>>);

struct Told {
    degraded: BTreeSet<Degraded>,
    listen: Box<dyn FnMut(&Event) + Send>,
}

impl Listener {
    pub(crate) fn new(listen: impl FnMut(&Event) + Send + 'static) -> Listener {
        Listener(Arc::new(Mutex::new(Told { degraded: BTreeSet::new(), listen: Box::new(listen) })))
    }

    /// Tells what is `degraded` already. It is asked under the lock, so that an end which is told meanwhile comes later.
    pub(crate) fn catch_up(&self, degraded: impl FnOnce() -> Vec<Degraded>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for reason in degraded() {
            told.tell(&Event::Degraded(reason));
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
    }
}

impl Told {
    fn tell(&mut self, event: &Event) {
        let is_news = match event {
            Event::Degraded(reason) => self.degraded.insert(*reason),
            Event::Recovered(reason) => self.degraded.remove(reason),
            Event::Attempt(_) => true,
        };
        if is_news {
            catch_panic(|| (self.listen)(event));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Listener;
    use crate::history::Event;
    use filewatch::Degraded;
    use std::sync::mpsc;

    const FAULT: Degraded = Degraded::NoEvents;

    /// The order of `tell` and `catch_up` does not matter.
    #[test]
    fn each_state_is_told_once_and_its_end_only_after_it() {
        type Act = fn(&Listener);
        let told: Act = |listener| listener.tell(&Event::Degraded(FAULT));
        let over: Act = |listener| listener.tell(&Event::Recovered(FAULT));
        let caught_up: Act = |listener| listener.catch_up(|| vec![FAULT]);
        let rows: [(&[Act], &[&str]); 5] = [
            (&[told, caught_up], &["Degraded(NoEvents)"]),
            (&[caught_up, told], &["Degraded(NoEvents)"]),
            (&[caught_up, over], &["Degraded(NoEvents)", "Recovered(NoEvents)"]),
            (&[over], &[]),
            (&[told, over, told], &["Degraded(NoEvents)", "Recovered(NoEvents)", "Degraded(NoEvents)"]),
        ];
        for (acts, expected) in rows {
            let (tell, heard) = mpsc::channel();
            let listener = Listener::new(move |event| {
                let _ = tell.send(format!("{event:?}"));
            });
            for act in acts {
                act(&listener);
            }
            assert_eq!(heard.try_iter().collect::<Vec<_>>(), expected);
        }
    }
}
