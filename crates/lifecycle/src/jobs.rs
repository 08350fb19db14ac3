//! Jobs that may block, one after the other.

use tokio::task::{JoinHandle, spawn_blocking};

/// Runs jobs in their order, away from the task that adds them. Examples are a message to a supervisor that does not read, and
/// a file on a slow disk.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    last: Option<JoinHandle<()>>,
}

impl Jobs {
    /// Adds a job. Must be called on a tokio runtime.
    pub(crate) fn add(&mut self, job: impl FnOnce() + Send + 'static) {
        let before = self.last.take();
        self.last = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // A job that panicked does not stop the others.
                let _ = before.await;
            }
            let _ = spawn_blocking(job).await;
        }));
    }

    /// Waits until every job is done.
    pub(crate) async fn finish(&mut self) {
        if let Some(last) = self.last.take() {
            let _ = last.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::Jobs;

    #[tokio::test]
    async fn jobs_run_in_their_order_and_whoever_adds_one_does_not_wait() {
        let mut jobs = Jobs::default();
        let done = Arc::new(Mutex::new(Vec::new()));
        let (open, gate) = mpsc::channel::<()>();
        jobs.add(move || gate.recv().unwrap());
        jobs.add(|| panic!("as asked"));
        for number in 0..100 {
            let done = Arc::clone(&done);
            jobs.add(move || done.lock().unwrap().push(number));
        }
        assert!(done.lock().unwrap().is_empty());
        open.send(()).unwrap();
        jobs.finish().await;
        assert_eq!(*done.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }
}
