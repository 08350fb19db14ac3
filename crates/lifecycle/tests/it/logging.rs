//! The log: its lines, and that a task which logs never waits.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lifecycle::{Filter, Format, Logs};
use tracing::dispatcher::with_default;

use crate::child::Child;
use crate::server::wait_for;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap()
}

#[test]
fn a_filter_is_in_force_at_once() {
    let page = Page::default();
    let logs = Logs::to(page.clone(), &filter("info"), Format::Text);
    with_default(&logs.dispatch().clone(), || {
        for (level, told) in
            [("info", false), ("debug", true), ("off", false), ("off,it::logging=debug", true)]
        {
            logs.apply(filter(level));
            tracing::debug!("at {level}, told {told}");
        }
        logs.filter_handle().apply(filter("debug"));
        tracing::debug!("by the dial, told true");
    });
    drop(logs);
    let text = page.text();
    assert_eq!(text.matches("told true").count(), 3, "{text}");
    assert_eq!(text.matches("told false").count(), 0, "{text}");
}

#[test]
fn an_announcement_passes_every_filter() {
    let page = Page::default();
    let logs = Logs::to(page.clone(), &filter("off"), Format::Text);
    logs.announce("http://127.0.0.1:8080/");
    with_default(logs.dispatch(), || tracing::error!("not a word"));
    drop(logs);
    let text = page.text();
    assert!(text.ends_with("http://127.0.0.1:8080/\n"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn json_is_an_object_a_line() {
    let page = Page::default();
    let logs = Logs::to(page.clone(), &filter("info"), Format::Json);
    with_default(logs.dispatch(), || tracing::info!(path = "a\nb", "told \"so\""));
    drop(logs);
    let line: serde_json::Value = serde_json::from_str(page.text().trim_end()).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["fields"]["message"], "told \"so\"");
    assert_eq!(line["fields"]["path"], "a\nb");
}

#[test]
fn dropping_the_log_writes_the_lines_that_wait() {
    let page = Page::default();
    let logs = Logs::to(page.clone(), &filter("info"), Format::Text);
    with_default(logs.dispatch(), || {
        for number in 0..5_000 {
            tracing::info!(number);
        }
    });
    assert_eq!(logs.lost(), 0);
    drop(logs);
    assert_eq!(page.text().lines().count(), 5_000);
}

#[test]
fn a_pipe_that_is_not_read_blocks_no_task_and_its_lines_are_counted() {
    let (_reader, writer) = io::pipe().unwrap();
    let logs = Logs::to(writer, &filter("info"), Format::Text);
    let lines = 30_000_u64;
    with_default(logs.dispatch(), || {
        for number in 0..lines {
            tracing::info!(number, "nobody reads this");
        }
    });
    assert!(logs.lost() > lines / 2, "{}", logs.lost());
    let since = Instant::now();
    drop(logs);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

#[test]
fn a_pipe_that_was_closed_loses_its_lines_alone() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let logs = Logs::to(writer, &filter("info"), Format::Text);
    with_default(logs.dispatch(), || tracing::info!("nobody reads this"));
    wait_for(|| logs.lost() == 1);
}

#[test]
fn a_process_whose_stderr_is_stuck_works_on_and_ends() {
    let (_reader, writer) = io::pipe().unwrap();
    let mut child = Child::start("writer_of_many_lines").stderr(writer).spawn();
    let said = child.line();
    assert!(child.exit().success());
    let (talked, all) = said.split_once(' ').unwrap();
    assert!(talked.parse::<u64>().unwrap() < 10_000, "50,000 lines took {talked} ms");
    assert!(all.parse::<u64>().unwrap() < 15_000, "the end came after {all} ms");
}

#[test]
fn a_panic_is_one_line_of_the_log() {
    let mut child = Child::start("panicker").spawn();
    child.exit();
    let text = child.rest_of_stderr();
    let lines: Vec<serde_json::Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["fields"]["message"], "panicked: as asked");
    assert!(lines[0]["fields"]["place"].as_str().unwrap().contains("child.rs:"), "{text}");
    assert!(!text.contains("backtrace"), "{text}");
}
