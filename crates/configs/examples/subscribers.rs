//! Follows one file with many subscribers: `cargo run -p configs --example subscribers -- FILE COUNT`.
//!
//! The file holds `version: NUMBER`. It prints one line when the last subscriber has received a version. The line has the time
//! in nanoseconds since the epoch, the length in bytes, the digest (FNV-1a, 64 bits) and the text. It ends when its standard
//! input ends.
#![allow(clippy::print_stdout)]

use configs::Configs;
use serde::Deserialize;
use std::env;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

#[derive(Deserialize)]
struct Settings {
    version: u64,
}

/// A version, and how many subscribers have received it.
type Received = Arc<Mutex<(u64, usize)>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("expected the path of a file")?;
    let count: usize = arguments.next().ok_or("expected a number of subscribers")?.parse()?;
    let configs = Configs::<Settings>::builder().file(file).open()?;
    let received = Received::default();
    for _ in 0..count {
        let mut version = configs.watch(|settings| settings.version);
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok(version) = version.changed().await {
                if is_received_by_all(&received, version, count) {
                    say(version);
                }
            }
        });
    }
    say(configs.load().version);
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    });
    Ok(end.await?)
}

fn is_received_by_all(received: &Received, version: u64, count: usize) -> bool {
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    *received = if received.0 == version { (version, received.1 + 1) } else { (version, 1) };
    received.1 == count
}

fn say(version: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("version: {version}\n");
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // A closed pipe is no error: standard input ends as well.
    let _ = writeln!(io::stdout(), "{now} {} {digest:016x} {}", text.len(), text.trim_end());
}
