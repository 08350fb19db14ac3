//! Measures the time from a save to the new value for a configuration with 10,000 keys:
//! `cargo run --profile release-test -p site --example large_configuration`.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::{
    error::Error,
    fmt::Write,
    fs, thread,
    time::{Duration, Instant},
};

use site::{Options, Site};

const KEYS: u32 = 10_000;
const SAVES: u32 = 100;
/// The pause before a save, so that the one before is over.
const REST: Duration = Duration::from_millis(20);
/// The pause between two looks at the value in force.
const LOOK: Duration = Duration::from_micros(50);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.yaml");
    fs::create_dir(folder.path().join("templates"))?;
    fs::write(folder.path().join("templates/index.html"), "{{ app_name }} {{ page_script }}")?;
    fs::write(&config, text(1))?;
    let site = Site::open(Options {
        config: vec![config.clone().into()],
        templates: folder.path().join("templates"),
        ..Options::new("Example")
    })?;
    let mut took = Vec::new();
    for seconds in 2..SAVES + 2 {
        thread::sleep(REST);
        let draft = folder.path().join("draft");
        fs::write(&draft, text(seconds))?;
        let saved = Instant::now();
        fs::rename(&draft, &config)?;
        while site.config().settings.refresh_interval_seconds != seconds {
            thread::sleep(LOOK);
        }
        took.push(saved.elapsed());
    }
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{KEYS} keys, {SAVES} saves: median {:.1} ms, p90 {:.1} ms, least {:.1} ms",
        at(50),
        at(90),
        at(0)
    );
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
