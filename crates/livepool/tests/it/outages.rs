//! A server that is away or refuses new connections.

use conformance::{wait_for, wait_until};
use livepool::State;

use crate::fixture::{Fixture, deadline, server};

#[test]
fn a_restarted_server_is_found_again() {
    let Some(mut server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    fixture.ask("SELECT current_user::text");
    server.stop().unwrap();
    let refused = wait_for("a failure", || fixture.get().err()).unwrap();
    assert!(refused.to_string().starts_with("cannot reach 127.0.0.1:"), "{refused}");
    assert_eq!(refused.public(), "the database cannot be reached, try again in a moment");
    assert_eq!(fixture.pool.stats().state, State::Away);

    // An unrelated edit is accepted, and one of the database, too: there is nothing to lose.
    fixture.accepted("note: one", "note: two");
    fixture.accepted("pool_size: 4", "pool_size: 3");
    server.restart().unwrap();
    // No task asks meanwhile.
    wait_until("the background to connect", || fixture.pool.stats().state == State::Connected).unwrap();
    assert_eq!(fixture.get().unwrap().generation(), 2);
}

#[test]
fn a_database_that_is_away_at_first_is_found_later() {
    let Some(mut server) = server() else { return };
    server.stop().unwrap();
    let fixture = Fixture::new(server.port(), deadline());
    assert!(fixture.get().is_err());
    server.restart().unwrap();
    wait_until("the background to connect", || fixture.pool.stats().state == State::Connected).unwrap();
    fixture.ask("SELECT current_user::text");
}

#[test]
fn without_new_connections_tasks_share_the_old_ones() {
    let Some(server) = server() else { return };
    let fixture = Fixture::new(server.port(), deadline());
    let only = fixture.get().unwrap();
    server.sql("ALTER ROLE admin PASSWORD 'second'").unwrap();
    let pool = fixture.pool.clone();
    let waiting = fixture.runtime.spawn(async move { pool.get().await.map(drop) });
    wait_until("the server to refuse", || fixture.pool.stats().state == State::Away).unwrap();
    assert!(!waiting.is_finished(), "it waits for the only connection");
    drop(only);
    fixture.runtime.block_on(waiting).unwrap().unwrap();
    fixture.accepted("password: first", "password: second");
    assert_eq!(fixture.pool.stats().state, State::Connected);
}
