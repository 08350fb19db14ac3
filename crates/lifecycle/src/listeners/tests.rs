use std::net::SocketAddr;

use super::*;
use crate::logs::{Format, Logs};

/// Listeners at an address of their own, and every listener that began to accept.
fn listeners() -> (Arc<Listeners>, mpsc::UnboundedReceiver<ServerThread>, u16) {
    let (opened, threads) = mpsc::unbounded_channel();
    let listeners = Arc::new(Listeners::new(false, opened));
    listeners.serve_with(Box::new(|endpoint| {
        Box::pin(async move {
            endpoint.drain().begun().await;
            Ok(())
        })
    }));
    let socket = Socket::bind_host_beside("127.0.0.1", 0, &[]).unwrap();
    let port = socket.address().port();
    listeners.open(listeners.prepare(socket).unwrap());
    (listeners, threads, port)
}

fn newest(listeners: &Listeners) -> SocketAddr {
    listeners.newest().unwrap().address()
}

#[test]
fn a_move_of_a_supervisors_listener_is_said_to_be_none_before_it_opens_too() {
    let (opened, _threads) = mpsc::unbounded_channel();
    let listeners = Arc::new(Listeners::new(true, opened));
    let log = tempfile::NamedTempFile::new().unwrap();
    let logs = Logs::to(log.reopen().unwrap(), &"info".parse().unwrap(), Format::Text);
    tracing::dispatcher::with_default(logs.dispatch(), || {
        listeners.prepare_move("127.0.0.2", 1).unwrap().commit();
    });
    drop(logs);
    let text = std::fs::read_to_string(log.path()).unwrap();
    assert!(text.contains("`127.0.0.2:1` moves nothing until the next start"), "{text}");
    listeners.set_moves(Moves::Allowed);
    assert_eq!(listeners.wanted(), None);
}

#[test]
fn a_move_that_was_deferred_does_not_undo_a_later_one() {
    let (listeners, _threads, first) = listeners();
    listeners.want(("127.0.0.1".into(), first));
    listeners.set_moves(Moves::Allowed);
    let deferred = listeners.wanted().unwrap();
    listeners.prepare_move("127.0.0.2", first).unwrap().commit();
    let prepared = listeners.prepare_at(&deferred.0, deferred.1).unwrap();
    assert!(prepared.is_some(), "it would move back");
    listeners.open_wanted(&deferred, prepared);
    assert_eq!(newest(&listeners).ip().to_string(), "127.0.0.2");
    listeners.close();
}

#[test]
fn a_move_that_is_prepared_while_moves_are_deferred_is_made_when_it_is_committed() {
    let (listeners, _threads, port) = listeners();
    let to = listeners.prepare_move("127.0.0.2", port).unwrap();
    listeners.set_moves(Moves::Allowed);
    listeners.catch_up();
    to.commit();
    assert_eq!(newest(&listeners).ip().to_string(), "127.0.0.2");
    listeners.close();
}
