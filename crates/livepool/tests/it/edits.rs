//! Edits of the settings.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use conformance::{Postgres, wait_until};
use livepool::State;

use crate::fixture::{Fixture, ROLE, deadline, log, server};

#[test]
fn nothing_connects_before_the_first_get() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let fixture = Fixture::new(listener.local_addr().unwrap().port(), deadline());
    fixture.accepted("password: first", "password: second");
    fixture.accepted("pool_size: 4", "pool_size: 2");
    assert_eq!(fixture.pool.stats().state, State::Unused);
    assert_eq!(fixture.pool.stats().generation, 3, "the edits are followed");
    assert!(listener.accept().is_err(), "nothing has connected");

    // The control: `get` does.
    let pool = fixture.pool.clone();
    let asking = fixture.runtime.spawn(async move { pool.get().await.is_ok() });
    wait_until("a connection", || listener.accept().is_ok()).unwrap();
    asking.abort();
}

#[test]
fn an_edit_that_cannot_connect_is_rejected_and_names_the_key() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    assert_eq!(fixture.ask("SELECT current_user::text"), "admin");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (port, closed) = (format!("port: {}", server.port()), format!("port: {nobody}"));
    for (from, to, expected) in [
        ("password: first", "password: wrong", "database.password: role \"admin\" cannot log in"),
        ("user: admin", "user: somebody", "database.user: role \"somebody\" cannot log in"),
        ("name: app", "name: other", "database.name: database \"other\" does not exist"),
        (&port, &closed, "database.port: cannot reach 127.0.0.1:"),
        ("host: 127.0.0.1", "host: nowhere.invalid", "database.host: cannot reach nowhere.invalid:"),
    ] {
        let reason = fixture.rejected(from, to);
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains("first") && !reason.contains("wrong"), "a secret in {reason}");
        assert_eq!(fixture.ask("SELECT current_user::text"), "admin", "the old pool serves");
        fixture.edit(to, from);
    }
    let stats = fixture.pool.stats();
    assert_eq!((stats.generation, stats.state), (1, State::Connected), "{stats:?}");
    assert_eq!(server.sessions("admin").unwrap().len(), 1, "no attempt has left a session");
}

#[test]
fn a_role_that_is_altered_after_the_file_is_noticed() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    fixture.ask("SELECT current_user::text");
    fixture.rejected("password: first", "password: second");
    server.sql("ALTER ROLE admin PASSWORD 'second'").unwrap();
    // Nobody touches the file again.
    wait_until("the edit to be in force", || fixture.pool.stats().generation == 2).unwrap();
    assert_eq!(fixture.rejections(), 1, "it is reported once");
    assert_eq!(fixture.get().unwrap().generation(), 2);
}

#[test]
fn a_moved_database_is_followed() {
    let (Some(one), Some(two)) = (server(), Postgres::for_this_test()) else { return };
    two.sql(ROLE).unwrap();
    let fixture = Fixture::new(one.port(), deadline());
    let port = "SELECT inet_server_port()::text";
    assert_eq!(fixture.ask(port), one.port().to_string());
    fixture.accepted(&format!("port: {}", one.port()), &format!("port: {}", two.port()));
    assert_eq!(fixture.ask(port), two.port().to_string());
    wait_until("the old sessions to end", || one.sessions("admin").is_ok_and(|left| left.is_empty()))
        .unwrap();
}

#[test]
fn a_slow_query_outlives_a_swap() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    server.sql("SELECT pg_advisory_lock(1) FROM pg_sleep(0)").unwrap();
    let held = fixture.get().unwrap();
    let query = fixture.runtime.spawn(async move {
        let slow = "SELECT pg_sleep(1.5)::text || pg_backend_pid()";
        held.query_one(slow, &[]).await.map(|row| row.get::<_, String>(0))
    });
    wait_until("the query to run", || active(&server) == 1).unwrap();
    fixture.accepted("pool_size: 4", "pool_size: 3");
    assert_eq!(fixture.get().unwrap().generation(), 2, "the new pool serves at once");
    assert_eq!(fixture.pool.stats().draining, 1);
    let finished = fixture.runtime.block_on(query).unwrap();
    assert!(finished.is_ok(), "{finished:?}");
    wait_until("the old pool to be drained", || fixture.pool.stats().drained == 1).unwrap();
    let names = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'admin'";
    wait_until("one generation", || server.sql(names).is_ok_and(|names| names == "livepool pool 2")).unwrap();
}

#[test]
fn a_stuck_transaction_is_cut_at_the_deadline() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), Duration::from_millis(100));
    let (idle, busy) = (fixture.get().unwrap(), fixture.get().unwrap());
    fixture.runtime.block_on(idle.batch_execute("BEGIN")).unwrap();
    let busy = fixture.runtime.spawn(async move { busy.batch_execute("BEGIN; SELECT pg_sleep(600)").await });
    wait_until("the query to run", || active(&server) == 1).unwrap();
    fixture.accepted("pool_size: 4", "pool_size: 3");
    wait_until("the old pool to be cut", || fixture.pool.stats().cut == 1).unwrap();
    assert!(fixture.runtime.block_on(busy).unwrap().is_err());
    assert!(fixture.runtime.block_on(idle.batch_execute("SELECT 1")).is_err());
    wait_until("the old sessions to end", || {
        let old = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'livepool pool 1'";
        server.sql(old).is_ok_and(|left| left == "0")
    })
    .unwrap();
    assert_eq!(fixture.pool.stats().draining, 0);
}

#[test]
fn a_task_that_waits_in_the_old_pool_goes_on_in_the_new_one() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    let held: Vec<_> = (0..4).map(|_| fixture.get().unwrap()).collect();
    let pool = fixture.pool.clone();
    let waiting = fixture.runtime.spawn(async move { pool.get().await.map(|taken| taken.generation()) });
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished(), "it waits");
    fixture.accepted("pool_size: 4", "pool_size: 3");
    assert_eq!(fixture.runtime.block_on(waiting).unwrap().unwrap(), 2);
    assert_eq!(held.len(), 4, "and nobody has given a connection back");
}

#[test]
fn a_third_edit_cuts_the_oldest_of_two_old_pools_that_are_stuck() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    let first = fixture.get().unwrap();
    fixture.accepted("pool_size: 4", "pool_size: 3");
    let second = fixture.get().unwrap();
    fixture.accepted("pool_size: 3", "pool_size: 2");
    let third = fixture.get().unwrap();
    assert_eq!(fixture.pool.stats().draining, 2);
    // An edit of something else, too, is in force long before the deadline, which is a minute here.
    fixture.accepted("pool_size: 2", "pool_size: 1");
    fixture.accepted("note: one", "note: two");
    wait_until("the oldest pool to be cut", || fixture.pool.stats().cut == 1).unwrap();
    assert_eq!((fixture.pool.stats().generation, fixture.pool.stats().draining), (4, 2));
    assert!(fixture.runtime.block_on(first.batch_execute("SELECT 1")).is_err());
    fixture.runtime.block_on(second.batch_execute("SELECT 1")).unwrap();
    let log = log();
    assert!(log.contains("is cut before the deadline, since two newer pools are drained"), "{log}");
    drop((second, third));
    wait_until("the others to be drained", || fixture.pool.stats().drained == 2).unwrap();
}

/// The number of queries of `admin` that run now.
fn active(server: &Postgres) -> u64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'admin' AND state = 'active'";
    server.sql(sql).unwrap().parse().unwrap()
}
