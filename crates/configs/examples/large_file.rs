//! Measures one attempt with a YAML file of 10,000 keys beside the bare parser over the same text, in turns:
//! `cargo run --release -p configs --example large_file`.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use configs::AppConfig;
use granit_parser::Parser;

const KEYS: u32 = 10_000;
const SAVES: u32 = 100;
/// The pause before each step, as a server has one before a save: caches are cold then.
const REST: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("config.yaml");
    fs::write(&path, text(1))?;
    let mut settings = AppConfig::builder().file(&path).unwatched();
    settings.attempt()?;
    let (mut parser, mut attempts) = (Vec::new(), Vec::new());
    for seconds in 2..SAVES + 2 {
        let text = text(seconds);
        fs::write(&path, &text)?;
        thread::sleep(REST);
        let begun = Instant::now();
        let events = Parser::new_from_str(&text).flatten().count();
        parser.push(begun.elapsed().as_secs_f64() * 1e3);
        thread::sleep(REST);
        let begun = Instant::now();
        settings.attempt()?;
        attempts.push(begun.elapsed().as_secs_f64() * 1e3);
        let shown = settings.snapshot().map(|settings| settings.settings.refresh_interval_seconds);
        if events < KEYS as usize || shown != Some(seconds) {
            return Err("the text was not read".into());
        }
    }
    let [parser, attempts] = [parser, attempts].map(|mut took| {
        took.sort_by(f64::total_cmp);
        (took[took.len() / 2], took[0])
    });
    println!("{KEYS} keys, {SAVES} saves, in ms: median, least");
    println!("the bare parser: {:.2}, {:.2}", parser.0, parser.1);
    println!("an attempt, with what follows it: {:.2}, {:.2}", attempts.0, attempts.1);
    println!("ratio: {:.1}, {:.1}", attempts.0 / parser.0, attempts.1 / parser.1);
    Ok(())
}

fn text(seconds: u32) -> String {
    let mut text = format!(
        "app_name: Large\nport: 8080\n\
        database: {{host: h, port: 5432, user: u, password: secure_password, name: n}}\n\
        settings: {{log_level: info, feature_flag_a: true, refresh_interval_seconds: {seconds}}}\nroutes:\n"
    );
    for key in 0..KEYS {
        let _ = writeln!(text, "  /key-{key}: value {key}");
    }
    text
}
