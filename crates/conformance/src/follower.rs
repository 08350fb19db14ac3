//! The client of a load that follows `/events`.

use crate::{Events, Failed, Request, client::Client, load::Job, load_clients::Failure, tally::Outcome};
use std::{net::SocketAddr, time::Instant};

/// Where a follower was sent away from.
struct Left {
    at: Instant,
    instance: String,
    address: SocketAddr,
}

/// Follows `/events`; when it is sent away it goes where it is told, at once.
pub(crate) fn follower(job: &Job) {
    let (mut address, mut left) = (job.address(), None);
    while !job.is_over() {
        match follow(job, address, left.take()) {
            Ok(Some((onward, from))) => {
                address = onward;
                left = Some(from);
            }
            Ok(None) => return,
            Err((outcome, words)) => {
                job.tally.failed_as(outcome, &words);
                address = job.address();
            }
        }
    }
}

/// One stream, to its `bye`: where that points to, and from where; none when the load is over.
fn follow(job: &Job, address: SocketAddr, left: Option<Left>) -> Result<Option<(SocketAddr, Left)>, Failure> {
    let words = |failed: Failed| (Outcome::Cut, format!("/events: {}", failed.message().unwrap_or("")));
    let mut client = Client::patient(address, job.pacing.timeout)
        .map_err(|failed| (Outcome::Refused, failed.message().unwrap_or("").to_owned()))?;
    client.send(&Request::get("/events").bytes(address)).map_err(words)?;
    let mut events = Events::open(client).map_err(words)?;
    let instance = events.head.header("x-instance").unwrap_or_default().to_owned();
    events.event("hello").map_err(words)?;
    job.tally.answered(&instance);
    job.tally.follows(&instance);
    // Who was sent away may find the same door open once more.
    let is_back = |left: &Left| left.instance != instance || left.address != address;
    if let Some(left) = left.as_ref().filter(|left| is_back(left)) {
        job.tally.returned(left.at.elapsed());
    }
    let again = left.filter(|left| !is_back(left));
    while let Some(frame) = events.next_frame().map_err(words)? {
        if frame.event == "bye" {
            let location = frame.json().map_err(words)?["location"].as_str().unwrap_or_default().to_owned();
            let onward = location.trim_start_matches("http://").trim_end_matches('/').parse();
            let onward = onward.map_err(|_| (Outcome::Wrong, format!("`bye` to {location:?}")))?;
            let left = again.unwrap_or_else(|| Left { at: Instant::now(), instance, address });
            events.rest().map_err(words)?;
            return Ok(Some((onward, left)));
        }
        if job.is_over() {
            return Ok(None);
        }
    }
    Err((Outcome::Cut, "/events ended without `bye`".to_owned()))
}
