//! A plugin with switches, for the tests. The words after `SWITCHES=` in the built file choose a fault and the text of the answer.

use std::process::abort;
use std::ptr::read_volatile;
use std::thread::sleep;
use std::time::Duration;

use plugins::Greeter;

#[used]
static SWITCHES: [u8; 32] = *b"SWITCHES=none      one          ";

/// The loader calls what is listed in this section.
#[allow(unsafe_code, reason = "a name of a section")]
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

struct Faulty;

impl Greeter for Faulty {
    const NAME: &'static str = "faulty";
    const VERSION: &'static str = "0.0";

    fn new() -> Self {
        assert_ne!(fault(), "start", "no start today");
        Self
    }

    fn greet(&self, name: &str) -> String {
        match fault().as_str() {
            "call" => panic!("no answer for {name}"),
            "mallory" if name == "Mallory" => panic!("no answer for {name}"),
            "stuck" => endless(),
            "silent" => String::new(),
            _ => format!("{} greets {name}", words().split_off(10).trim()),
        }
    }
}

plugins::export!(Faulty);

extern "C" fn constructor() {
    match fault().as_str() {
        "abort" => abort(),
        "endless" => endless(),
        "panic" => panic!("no library today"),
        _ => {}
    }
}

fn fault() -> String {
    words().split(' ').next().unwrap_or_default().to_owned()
}

/// The switches. The compiler does not know what is in the file later.
fn words() -> String {
    // SAFETY: it is a static.
    #[allow(unsafe_code, reason = "a volatile read")]
    let bytes = unsafe { read_volatile(&raw const SWITCHES) };
    String::from_utf8_lossy(&bytes[9..]).into_owned()
}

fn endless() -> ! {
    loop {
        sleep(Duration::from_secs(1));
    }
}
