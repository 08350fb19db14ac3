//! The client of a load that follows `/events`.

use crate::{Events, Failed, Request, client::Client, load::Job, load_clients::Failure, tally::Outcome};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Pause between two looks for the end of the load.
const LOOK: Duration = Duration::from_millis(100);

/// Longest silence of a stream: longer than the 15 s between two heartbeats.
const SILENCE: Duration = Duration::from_secs(25);

/// The address and instance that told the client to leave.
struct Left {
    at: Instant,
    instance: String,
    address: SocketAddr,
}

/// Follows `/events`. After `bye` it connects at once to the address that `bye` names.
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

/// Reads one stream up to its `bye`. Returns the address that this names, and the one that was left. Returns none when the load
/// has ended.
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
    // After `bye` the same instance may accept one more connection at the same address.
    let is_back = |left: &Left| left.instance != instance || left.address != address;
    if let Some(left) = left.as_ref().filter(|left| is_back(left)) {
        job.tally.returned(left.at.elapsed());
    }
    let again = left.filter(|left| !is_back(left));
    let mut heard = Instant::now();
    loop {
        if job.is_over() {
            return Ok(None);
        }
        if !events.goes_on_within(LOOK).map_err(words)? {
            if heard.elapsed() < SILENCE {
                continue;
            }
            return Err((Outcome::Cut, "/events: no heartbeat".to_owned()));
        }
        heard = Instant::now();
        let Some(frame) = events.next_frame().map_err(words)? else { break };
        if frame.event == "bye" {
            let location = frame.json().map_err(words)?["location"].as_str().unwrap_or_default().to_owned();
            let onward = location.trim_start_matches("http://").trim_end_matches('/').parse();
            let onward = onward.map_err(|_| (Outcome::Wrong, format!("`bye` to {location:?}")))?;
            let left = again.unwrap_or_else(|| Left { at: Instant::now(), instance, address });
            events.rest().map_err(words)?;
            return Ok(Some((onward, left)));
        }
    }
    Err((Outcome::Cut, "/events ended without `bye`".to_owned()))
}
