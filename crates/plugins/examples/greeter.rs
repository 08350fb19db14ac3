//! The plugin behind `GET /greet` of the demos: `cargo build -p plugins --example greeter`.

use plugins::Greeter;

struct Polite;

impl Greeter for Polite {
    const NAME: &'static str = "polite";
    const VERSION: &'static str = "1.0";

    fn new() -> Self {
        Self
    }

    fn greet(&self, name: &str) -> String {
        format!("Hello, {name}!\n")
    }
}

plugins::export!(Polite);
