//! The client of a load that follows `/events`.

use crate::{Events, Failed, Request, callers::Failure, client::Client, load::Errand, tally::Fate};
use std::{net::SocketAddr, time::Instant};

/// Where a follower was sent away from.
struct Left {
    at: Instant,
    instance: String,
    address: SocketAddr,
}

/// Follows `/events`; when it is sent away it goes where it is told, at once.
pub(crate) fn follower(errand: &Errand) {
    let (mut address, mut left) = (errand.address(), None);
    while !errand.is_over() {
        match follow(errand, address, left.take()) {
            Ok(Some((onward, from))) => {
                address = onward;
                left = Some(from);
            }
            Ok(None) => return,
            Err((fate, words)) => {
                errand.tally.failed_as(fate, &words);
                address = errand.address();
            }
        }
    }
}

/// One stream, to its `bye`: where that points to, and from where; none when the load is over.
fn follow(
    errand: &Errand,
    address: SocketAddr,
    left: Option<Left>,
) -> Result<Option<(SocketAddr, Left)>, Failure> {
    let words = |failed: Failed| (Fate::Cut, format!("/events: {}", failed.message().unwrap_or("")));
    let mut client = Client::patient(address, errand.manner.patience)
        .map_err(|failed| (Fate::Refused, failed.message().unwrap_or("").to_owned()))?;
    client.send(&Request::get("/events").bytes(address)).map_err(words)?;
    let mut events = Events::open(client).map_err(words)?;
    let instance = events.head.header("x-instance").unwrap_or_default().to_owned();
    events.event("hello").map_err(words)?;
    errand.tally.answered(&instance);
    errand.tally.follows(&instance);
    // Who was sent away may find the same door open once more.
    let is_back = |left: &Left| left.instance != instance || left.address != address;
    if let Some(left) = left.as_ref().filter(|left| is_back(left)) {
        errand.tally.returned(left.at.elapsed());
    }
    let again = left.filter(|left| !is_back(left));
    while let Some(frame) = events.next_frame().map_err(words)? {
        if frame.event == "bye" {
            let location = frame.json().map_err(words)?["location"].as_str().unwrap_or_default().to_owned();
            let onward = location.trim_start_matches("http://").trim_end_matches('/').parse();
            let onward = onward.map_err(|_| (Fate::Wrong, format!("`bye` to {location:?}")))?;
            let left = again.unwrap_or_else(|| Left { at: Instant::now(), instance, address });
            events.rest().map_err(words)?;
            return Ok(Some((onward, left)));
        }
        if errand.is_over() {
            return Ok(None);
        }
    }
    Err((Fate::Cut, "/events ended without `bye`".to_owned()))
}
