//! Every demo answers alike: one transcript, recorded from one demo, that each of them is compared with.
//!
//! In `parity.txt` a line `=== name` begins a server, with what `config:` and `env:` give it. `--- name` begins a connection of
//! its own. `> ` is a line that the client sends: `>> ` has no line end, `\xNN` is a byte, `{y*900}` is 900 times `y`. `< ` is
//! a line of the answer. Requests are written by hand. Answers are recorded: `just record-parity` writes them anew.
//!
//! `<-Poem ` before a line of an answer: this framework does not send it. `<+Poem `: it sends this one. A framework's own types
//! set headers and bodies of their own, and these lines are the whole list of such differences. `RECORD_PARITY=1` with demo-axum
//! writes the answers anew, with another demo the lines of that framework.
//!
//! HTTP leaves some to the server. A connection whose name ends in `[kept or closed]` may be kept or closed. If it ends in
//! `[its own way]`, only the life of the server counts.

use crate::{
    Answer, Demo, Failed, Running, Server,
    claim::{Verdict, claims},
};
use std::{collections::VecDeque, fs, path::Path};

claims![every_answer_is_the_recorded_one];

const TRANSCRIPT: &str = include_str!("parity.txt");

const CONFIG: &str = "app_name: Parity & <Co>
port: 8080
database: {host: localhost, port: 5432, user: admin, password: secure_password, name: myapp_db}
settings: {log_level: info, feature_flag_a: true, refresh_interval_seconds: 86400}
routes:
  /ping: pong
  /a%20b: a space
  /deep/er: deeper
";

const PAGE: &str =
    "<!doctype html><title>{{ title }}</title><p>{{ app_name }} at {{ port }}, {{ current_time }}</p>\n";

fn every_answer_is_the_recorded_one(demo: &Demo) -> Verdict {
    let heard = play(demo, TRANSCRIPT)?;
    if std::env::var_os("RECORD_PARITY").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases/parity.txt");
        let recorded = recorded(&fs::read_to_string(&path)?, &heard, &demo.framework());
        return Ok(fs::write(path, recorded)?);
    }
    let differences = differences(TRANSCRIPT, &heard, &demo.framework());
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// Sends the requests of the transcript. Returns the transcript with the answers of this demo.
fn play(demo: &Demo, transcript: &str) -> Result<String, Failed> {
    let mut lines: VecDeque<&str> = transcript.lines().filter(|line| !line.starts_with('<')).collect();
    let mut heard: Vec<String> = Vec::new();
    let mut running = None;
    while let Some(line) = lines.pop_front() {
        heard.push(line.to_owned());
        if line.starts_with("=== ") {
            let settings = take(&mut lines, |line| line.starts_with("config: ") || line.starts_with("env: "));
            running = Some(start(demo, &settings)?);
            heard.extend(settings.into_iter().map(str::to_owned));
        } else if line.starts_with("--- ") {
            let server = running.as_ref().ok_or("a server comes before the first connection")?;
            let sent = take(&mut lines, |line| line.starts_with('>'));
            let answers = converse(demo, server, &sent)
                .map_err(|failed| format!("{line}: {}", failed.message().unwrap_or_default()))?;
            heard.extend(sent.into_iter().map(str::to_owned));
            heard.extend(answers);
        }
    }
    Ok(heard.join("\n") + "\n")
}

fn take<'a>(lines: &mut VecDeque<&'a str>, wanted: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let count = lines.iter().take_while(|line| wanted(line)).count();
    lines.drain(..count).collect()
}

fn start(demo: &Demo, settings: &[&str]) -> Result<Running, Failed> {
    let more = settings.iter().filter_map(|line| line.strip_prefix("config: "));
    let config = more.fold(CONFIG.to_owned(), |config, line| config + line + "\n");
    let server = demo.server().config(config).template("index.html", PAGE);
    let variables = settings.iter().filter_map(|line| line.strip_prefix("env: ")?.split_once('='));
    variables.fold(server, |server, (name, value)| Server::env(server, name, value)).start()
}

/// Sends all requests of a connection at once, then reads as many answers.
fn converse(demo: &Demo, server: &Running, sent: &[&str]) -> Result<Vec<String>, Failed> {
    let mut client = server.client()?;
    client.send(&sent.iter().flat_map(|line| bytes(line)).collect::<Vec<u8>>())?;
    let requests = sent.iter().filter(|line| line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0"));
    let mut methods: Vec<&str> = requests.filter_map(|line| line.split(' ').nth(1)).collect();
    if methods.is_empty() {
        methods.push("GET");
    }
    let mut heard = Vec::new();
    for method in methods {
        let Ok((mut answer, mut framing)) = client.head(method) else { break };
        let streams = answer.header("content-type") == Some("text/event-stream");
        while let Some(piece) = client.piece(&mut framing)? {
            answer.body.extend(piece);
            if streams {
                heard.extend(shown(demo, server, &answer, method));
                heard.push("< (streams)".to_owned());
                return Ok(heard);
            }
        }
        heard.extend(shown(demo, server, &answer, method));
    }
    let kept = client.get("/healthz").is_ok();
    heard.push(if kept { "< (kept)" } else { "< (closed)" }.to_owned());
    Ok(heard)
}

/// The bytes that a line of the transcript stands for.
fn bytes(line: &str) -> Vec<u8> {
    let (mut rest, end) = match line.strip_prefix(">> ") {
        Some(rest) => (rest, &b""[..]),
        None => (line.strip_prefix("> ").unwrap_or_default(), &b"\r\n"[..]),
    };
    let mut bytes = Vec::new();
    while let Some(first) = rest.chars().next() {
        let escaped = rest.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
        let repeated =
            rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).and_then(|(inner, rest)| {
                let (what, count) = inner.split_once('*')?;
                Some((what.repeat(count.parse().ok()?), rest))
            });
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = &rest[4..];
        } else if let Some((repeated, after)) = repeated {
            bytes.extend(repeated.bytes());
            rest = after;
        } else {
            bytes.extend(first.to_string().bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    [&bytes, end].concat()
}

/// An answer without the parts that differ between starts, seconds or frameworks. If the framework has made it, only the
/// status.
fn shown(demo: &Demo, server: &Running, answer: &Answer, method: &str) -> Vec<String> {
    let mut lines = vec![format!("< {} {}", answer.version, answer.status)];
    if let Some(instance) = answer.header("x-instance") {
        let headers =
            answer.headers.iter().filter(|(name, _)| answer.status != 304 || name != "content-length");
        let mut headers: Vec<String> =
            headers.map(|(name, value)| header(name, value, answer, method)).collect();
        headers.sort();
        lines.extend(headers.into_iter().map(|line| format!("< {}", line.replace(instance, "INSTANCE"))));
        let body = body(answer).replace(instance, "INSTANCE").replace(&demo.framework(), "FRAMEWORK");
        let body = body.replace(&format!(":{}", server.address().port()), ":PORT");
        lines.extend(timeless(&body).lines().map(|line| format!("<| {line}")));
    }
    lines
}

fn header(name: &str, value: &str, answer: &Answer, method: &str) -> String {
    let name = name.to_lowercase();
    let value = match name.as_str() {
        "date" => "DATE",
        "content-length" if method == "HEAD" => "LENGTH",
        "content-length" if value == answer.body.len().to_string() => "LENGTH",
        "etag" if value.len() > 10 && value.starts_with("W/\"") && value.ends_with('"') => "ETAG",
        "x-request-id" if is_uuid(value) => "UUID",
        _ => value,
    };
    format!("{name}: {value}")
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(|part| part.bytes().take_while(u8::is_ascii_hexdigit).count());
    text.len() == 36 && lengths.eq([8, 4, 4, 4, 12])
}

/// The body as text. The script and the metrics are only named.
fn body(answer: &Answer) -> String {
    let kind = answer.header("content-type").unwrap_or_default();
    let long = kind == "text/javascript" || kind.starts_with("text/plain; version");
    if long && !answer.body.is_empty() { "(long)".to_owned() } else { answer.text() }
}

/// The text without its dates, times of day and digests.
fn timeless(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digest = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (word, length) = if looks_like(rest, "0000-00-00") {
            ("DATE", 10)
        } else if looks_like(rest, "00:00:00") {
            let fraction = rest[8..].bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
            let offset = if looks_like(&rest[8 + fraction..], "+00:00")
                || looks_like(&rest[8 + fraction..], "-00:00")
            {
                6
            } else {
                0
            };
            ("TIME", 8 + fraction + offset)
        } else if digest >= 8 {
            ("DIGEST", digest)
        } else {
            ("", first.len_utf8())
        };
        shown += if word.is_empty() { &rest[..length] } else { word };
        rest = &rest[length..];
    }
    shown
}

fn looks_like(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, shape)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape })
}

/// Both versions of every connection whose answers differ.
fn differences(recorded: &str, heard: &str, framework: &str) -> Vec<String> {
    let (recorded, heard) = (recorded.split("\n--- "), heard.split("\n--- "));
    let pairs = recorded
        .zip(heard)
        .map(|(recorded, heard)| (expected(recorded, framework), what_counts(heard), heard));
    let differ = pairs.filter(|(expected, found, _)| sorted(expected) != sorted(found));
    differ
        .map(|(expected, _, heard)| format!("--- recorded: {}\n--- heard: {heard}", expected.join("\n")))
        .collect()
}

/// The lines that count in a recorded connection, as this framework answers.
fn expected<'a>(recorded: &'a str, framework: &str) -> Vec<&'a str> {
    let (less, more) = (format!("<-{framework} "), format!("<+{framework} "));
    let mut lines: Vec<&str> = what_counts(recorded)
        .into_iter()
        .filter(|line| !line.starts_with("<-") && !line.starts_with("<+"))
        .collect();
    for line in recorded.lines().filter_map(|line| line.strip_prefix(&less)) {
        if let Some(at) = lines.iter().position(|found| *found == line) {
            lines.remove(at);
        }
    }
    lines.extend(recorded.lines().filter_map(|line| line.strip_prefix(&more)));
    lines
}

/// The transcript with the answers that were heard: those of axum as they are, of another framework the lines that differ.
fn recorded(transcript: &str, heard: &str, framework: &str) -> String {
    let of_framework = |line: &&str| {
        line.starts_with(&format!("<-{framework} ")) || line.starts_with(&format!("<+{framework} "))
    };
    let connections = transcript.split("\n--- ").zip(heard.split("\n--- ")).map(|(recorded, heard)| {
        let differing = recorded.lines().filter(|line| line.starts_with("<-") || line.starts_with("<+"));
        if framework == "Axum" {
            let kept: Vec<&str> = differing.collect();
            return insert(heard, &kept);
        }
        let without: Vec<&str> = recorded.lines().filter(|line| !of_framework(line)).collect();
        let without = without.join("\n");
        let (mut less, mut more) = (expected(&without, framework), Vec::new());
        for line in what_counts(heard) {
            match less.iter().position(|expected| *expected == line) {
                Some(at) => drop(less.remove(at)),
                None => more.push(line),
            }
        }
        let mut lines: Vec<String> = less.iter().map(|line| format!("<-{framework} {line}")).collect();
        lines.extend(more.iter().map(|line| format!("<+{framework} {line}")));
        insert(&without, &lines.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let all = connections.collect::<Vec<_>>().join("\n--- ");
    all.trim_end().to_owned() + "\n"
}

/// The connection with these lines behind its last answer.
fn insert(connection: &str, lines: &[&str]) -> String {
    let mut all: Vec<&str> = connection.lines().collect();
    let end = all.iter().rposition(|line| line.starts_with('<')).map_or(all.len(), |last| last + 1);
    all.splice(end..end, lines.iter().copied());
    let end = if connection.ends_with('\n') { "\n" } else { "" };
    all.join("\n") + end
}

fn sorted<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut lines = lines.to_vec();
    lines.sort_unstable();
    lines
}

fn what_counts(connection: &str) -> Vec<&str> {
    let mut lines = connection.lines();
    let name = lines.next().unwrap_or_default();
    let free: &[&str] = if name.ends_with("[its own way]") {
        &["<"]
    } else if name.ends_with("[kept or closed]") {
        &["< connection: close", "< (kept)", "< (closed)"]
    } else {
        &[]
    };
    lines.filter(|line| !free.iter().any(|free| line.starts_with(free))).collect()
}

#[cfg(test)]
mod tests {
    use super::{TRANSCRIPT, bytes, differences, timeless};

    #[test]
    fn a_line_stands_for_bytes() {
        for (line, expected) in [
            ("> GET / HTTP/1.1", &b"GET / HTTP/1.1\r\n"[..]),
            (">", b"\r\n"),
            (">> abc", b"abc"),
            (r"> a\x00b", b"a\0b\r\n"),
            ("> x: {y*3}z", b"x: yyyz\r\n"),
            ("> {}{*}", b"{}{*}\r\n"),
        ] {
            assert_eq!(bytes(line), expected, "{line}");
        }
    }

    #[test]
    fn only_dates_times_and_digests_are_left_out() {
        for (text, expected) in [
            ("at 12:00:01.", "at TIME"),
            ("2026-11-20T10:20:30.123456+00:00\"", "DATETTIME\""),
            ("0123456789abcdef cafe 12:30", "DIGEST cafe 12:30"),
        ] {
            assert_eq!(timeless(text), expected);
        }
    }

    #[test]
    fn a_different_answer_is_found() {
        let same: Vec<&str> =
            TRANSCRIPT.lines().filter(|line| !line.starts_with("<-") && !line.starts_with("<+")).collect();
        let same = same.join("\n");
        let other = same.replacen("< HTTP/1.1 200", "< HTTP/1.1 201", 1);
        assert_eq!(differences(TRANSCRIPT, &same, "Axum"), Vec::<String>::new());
        assert_eq!(differences(TRANSCRIPT, &other, "Axum").len(), 1);
    }

    #[test]
    fn a_framework_differs_as_recorded_and_no_more() {
        let transcript = "\n--- GET /\n> GET / HTTP/1.1\n< HTTP/1.1 200\n< a: 1\n< b: 2\n<| text\n";
        let heard = "\n--- GET /\n> GET / HTTP/1.1\n< HTTP/1.1 200\n< a: 1\n< c: 3\n<| text\n";
        let recorded = super::recorded(transcript, heard, "Poem");
        assert!(recorded.contains("<| text\n<-Poem < b: 2\n<+Poem < c: 3\n"), "{recorded}");
        assert_eq!(differences(&recorded, heard, "Poem"), Vec::<String>::new());
        assert_eq!(differences(&recorded, transcript, "Axum"), Vec::<String>::new());
        assert_eq!(differences(&recorded, transcript, "Poem").len(), 1);
        assert_eq!(super::recorded(&recorded, transcript, "Axum"), recorded);
        assert_eq!(super::recorded(&recorded, heard, "Poem"), recorded);
    }

    #[test]
    fn the_transcript_is_long_enough_to_mean_something() {
        assert!(TRANSCRIPT.matches("\n--- ").count() >= 60);
        assert!(TRANSCRIPT.matches("\n< HTTP/").count() >= 60);
    }
}
