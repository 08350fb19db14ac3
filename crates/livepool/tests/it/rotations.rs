//! Passwords that change under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conformance::wait_until;
use livepool::LivePool;

use crate::fixture::{Fixture, deadline, server};

/// Tasks that ask, more than the pool has connections.
const TASKS: usize = 10;

#[derive(Default)]
struct Load {
    over: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// Asks until the load is over. No failure is tried again.
async fn ask(pool: LivePool, load: Arc<Load>, query: &'static str) {
    while !load.over.load(Ordering::Relaxed) {
        let answer = async {
            let connection = pool.get().await.map_err(|error| error.to_string())?;
            connection.query_one(query, &[]).await.map_err(|error| error.to_string()).map(drop)
        };
        match answer.await {
            Ok(()) => {
                load.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => load.failures.lock().unwrap().push(error),
        }
    }
}

/// Rotates the password so many times under load. Returns the number of answers, and the failures.
fn rotate(times: u32, drain_deadline: Duration, query: &'static str) -> Option<(u64, Vec<String>)> {
    let server = server()?;
    let fixture = Fixture::new(server.port(), drain_deadline);
    let load = Arc::new(Load::default());
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| fixture.runtime.spawn(ask(fixture.pool.clone(), Arc::clone(&load), query)))
        .collect();
    let answered = || load.answered.load(Ordering::Relaxed);
    wait_until("answers", || answered() > 20).unwrap();
    let mut password = "first".to_owned();
    for number in 1..=times {
        let next = format!("rotated{number}");
        let alter = || server.sql(&format!("ALTER ROLE admin PASSWORD '{next}'")).unwrap();
        let (from, to) = (format!("password: {password}\n"), format!("password: {next}\n"));
        if number % 2 == 0 {
            alter();
            fixture.edit(&from, &to);
        } else {
            fixture.edit(&from, &to);
            alter();
        }
        let generation = u64::from(number) + 1;
        wait_until("the new pool", || fixture.pool.stats().generation == generation).unwrap();
        let before = answered();
        wait_until("answers of the new pool", || answered() > before + 5).unwrap();
        password = next;
    }
    load.over.store(true, Ordering::Relaxed);
    for task in tasks {
        fixture.runtime.block_on(task).unwrap();
    }
    wait_until("one generation", || fixture.pool.stats().draining == 0).unwrap();
    let names = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'admin'";
    let last = format!("livepool pool {}", times + 1);
    wait_until("one generation at the server", || server.sql(names).is_ok_and(|names| names == last))
        .unwrap();
    let failures = std::mem::take(&mut *load.failures.lock().unwrap());
    Some((answered(), failures))
}

#[test]
fn a_rotation_before_or_after_the_file_fails_no_query() {
    let Some((answered, failures)) = rotate(6, deadline(), "SELECT pg_sleep(0.005)") else { return };
    assert!(failures.is_empty() && answered > 60, "{answered} answered, failed: {failures:?}");
}

/// The negative control: without a drain the same load fails.
#[test]
fn a_rotation_without_a_drain_fails_queries() {
    let Some((answered, failures)) = rotate(3, Duration::ZERO, "SELECT pg_sleep(0.2)") else { return };
    assert!(!failures.is_empty(), "{answered} answered, none failed");
}
