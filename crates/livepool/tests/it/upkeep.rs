//! Leaks, abandoned queries, and what the server allows.

use std::time::Duration;

use conformance::wait_until;

use crate::fixture::{Fixture, deadline, log, server};

#[test]
fn a_leak_is_logged_once_with_the_line_that_took_the_connection() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    let leaked = fixture.get().unwrap();
    let named = fixture.runtime.block_on(fixture.pool.get_for("/leaky")).unwrap();
    let line = line!() - 2;
    assert_eq!(fixture.pool.stats().leaks, 0);
    // The limit takes effect without a new pool.
    fixture.accepted("leak_after: 30", "leak_after: 0.25");
    wait_until("both leaks", || fixture.pool.stats().leaks == 2).unwrap();
    assert_eq!(fixture.pool.stats().generation, 1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(fixture.pool.stats().leaks, 2, "each is counted once");
    let log = log();
    for place in [format!("taken at {}:{line}:", file!()), "taken at /leaky\n".to_owned()] {
        let told = format!("is out for more than 0.25 s, {place}");
        assert_eq!(log.matches(&told).count(), 1, "`{told}` in\n{log}");
    }
    drop((leaked, named));
}

#[test]
fn the_query_of_a_task_that_is_gone_is_cancelled() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    fixture.accepted("pool_size: 4", "pool_size: 1");
    let abandoned = fixture.get().unwrap();
    let query = fixture.runtime.spawn(async move { abandoned.batch_execute("SELECT pg_sleep(600)").await });
    let running = || {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'";
        server.sql(sql).unwrap()
    };
    wait_until("the query to run", || running() == "1").unwrap();
    query.abort();
    assert!(fixture.runtime.block_on(query).unwrap_err().is_cancelled());
    // The only connection of the pool is the one with the query.
    fixture.ask("SELECT current_user::text");
    wait_until("the query to be cancelled", || running() == "0").unwrap();
}

#[test]
fn a_pool_that_the_server_has_no_room_for_is_told_of() {
    let Some(server) = server() else { return };
    // `max_connections` is 40 here, and 3 are the superuser's.
    let fixture = Fixture::new(server.port(), deadline());
    fixture.accepted("pool_size: 4", "pool_size: 9");
    fixture.ask("SELECT current_user::text");
    assert!(!log().contains("may need 36"), "{}", log());
    fixture.accepted("pool_size: 9", "pool_size: 10");
    let warning = "a pool of 10 connections may need 40 of them during an upgrade, and the database has 3";
    wait_until("the warning", || log().contains(warning)).unwrap();
    assert!(log().contains("left of `max_connections`, 40:"), "{}", log());
}
