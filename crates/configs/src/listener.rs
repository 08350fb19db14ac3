//! One who wants to hear of events, from whenever it came.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use filewatch::Degraded;

use crate::callbacks::calmly;
use crate::history::Event;

/// Hears of each way of being degraded once, and of its end only if it had heard of it.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Mutex<Hearing>>);

struct Hearing {
    told: BTreeSet<Degraded>,
    listen: Box<dyn FnMut(&Event) + Send>,
}

impl Listener {
    pub(crate) fn new(listen: impl FnMut(&Event) + Send + 'static) -> Listener {
        Listener(Arc::new(Mutex::new(Hearing { told: BTreeSet::new(), listen: Box::new(listen) })))
    }

    /// Tells what is `degraded` already. That must be asked when nothing can be told meanwhile: what ends before is then not in it, and
    /// what ends later is told later.
    pub(crate) fn catch_up(&self, degraded: impl FnOnce() -> Vec<Degraded>) {
        let mut hearing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for reason in degraded() {
            hearing.hear(&Event::Degraded(reason));
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hear(event);
    }
}

impl Hearing {
    fn hear(&mut self, event: &Event) {
        let is_news = match event {
            Event::Degraded(reason) => self.told.insert(*reason),
            Event::Recovered(reason) => self.told.remove(reason),
            Event::Attempt(_) => true,
        };
        if is_news {
            calmly(|| (self.listen)(event));
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

    /// Whatever comes first, the telling or the catching up.
    #[test]
    fn each_fault_is_heard_once_and_its_end_only_by_who_heard_of_it() {
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
