//! Counts torn pages: saves the settings in pieces while a client reads the page.

use std::{
    fmt::{Display, Formatter},
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use conformance::{Client, Failed};

use super::site_files::{NoPlace, SETTINGS, version};

/// The pages that were read during the saves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pages {
    pub(crate) read: u32,
    /// The number of pages that mix two versions, lack a value, or are an error.
    pub(crate) torn: u32,
    /// A description of the first torn page.
    pub(crate) first: Option<String>,
    /// True if the last version was served after its save.
    pub(crate) last_is_served: bool,
}

/// The values of the page that each version of the settings changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    name: String,
    database: String,
    interval: String,
}

/// The number of saves.
pub(crate) const SAVES: u32 = 20;

/// The pause between two steps of a save, and between two saves. For 150 ms, filewatch takes a file that stays open for a
/// partial one.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// The time limit for a whole save to be served.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The interval of version 0. No two versions have a value in common.
const BASE: u32 = 1000;

/// Saves versions of `settings` to `path` in pieces, and reads `/` without a pause meanwhile. Saves `settings` at the end.
pub(crate) fn count(address: SocketAddr, path: &Path, settings: &str) -> Result<Pages, Failed> {
    let counted = count_over(address, path, settings);
    fs::write(path, settings)?;
    counted
}

fn count_over(address: SocketAddr, path: &Path, settings: &str) -> Result<Pages, Failed> {
    let text = |number: u32| version(settings, &format!("v{number}"), BASE + number);
    fs::write(path, text(0)?)?;
    if !is_served(address, 0) {
        return Err(
            format!("a whole save was not served within {TIMEOUT:?}: put everything back first").into()
        );
    }
    let (is_over, pages) = (AtomicBool::new(false), AtomicU32::new(0));
    let (saved, mut seen) = thread::scope(|scope| {
        let reader = scope.spawn(|| read(address, &is_over, &pages));
        let saved = (1..=SAVES).try_for_each(|number| save(path, &text(number)?, &pages));
        is_over.store(true, Ordering::Relaxed);
        (saved, reader.join().unwrap_or_default())
    });
    saved?;
    seen.last_is_served = is_served(address, SAVES);
    Ok(seen)
}

/// Empties the file, writes the part above the settings, and then the rest. A page is read in each pause.
fn save(path: &Path, text: &str, pages: &AtomicU32) -> Result<(), Failed> {
    let half = text.find(SETTINGS).ok_or(NoPlace::settings())?;
    let mut file = File::create(path)?;
    pause(pages);
    file.write_all(&text.as_bytes()[..half])?;
    pause(pages);
    file.write_all(&text.as_bytes()[half..])?;
    drop(file);
    pause(pages);
    Ok(())
}

/// Waits until a page was read whose request began in the pause, or at most for a second.
fn pause(pages: &AtomicU32) {
    let (begun, before) = (Instant::now(), pages.load(Ordering::Relaxed));
    sleep(PAUSE);
    while pages.load(Ordering::Relaxed) < before + 2 && begun.elapsed() < Duration::from_secs(1) {
        sleep(Duration::from_millis(1));
    }
}

fn read(address: SocketAddr, is_over: &AtomicBool, pages: &AtomicU32) -> Pages {
    let mut seen = Pages::default();
    let mut client = None;
    while !is_over.load(Ordering::Relaxed) {
        if let Err(what) = look(&mut client, address) {
            seen.torn += 1;
            seen.first.get_or_insert(what);
        }
        seen.read += 1;
        pages.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

/// Reads the page. The error describes a torn one.
fn look(client: &mut Option<Client>, address: SocketAddr) -> Result<(), String> {
    // A server may close a connection between two requests.
    let kept = client.as_mut().and_then(|client| client.get("/").ok());
    let answer = kept.map_or_else(
        || {
            let mut new = Client::connect(address)?;
            let answer = new.get("/");
            *client = Some(new);
            answer
        },
        Ok,
    );
    let answer = answer.map_err(|failed| failed.message().unwrap_or("no answer").to_owned())?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    let values = Values::of(&answer.text()).ok_or("a page without the values")?;
    if values.are_one_version() { Ok(()) } else { Err(values.to_string()) }
}

fn is_served(address: SocketAddr, number: u32) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
        let page = Client::connect(address).and_then(|mut client| client.get("/"));
        let values = page.ok().and_then(|page| Values::of(&page.text()));
        if values.is_some_and(|values| values.are_one_version() && values.name == format!("v{number}")) {
            return true;
        }
        sleep(Duration::from_millis(2));
    }
    false
}

impl Pages {
    /// A description of what was wrong, if anything.
    pub(crate) fn words(&self) -> Option<String> {
        let first = self.first.as_ref().map(|first| format!("the first torn page: {first}"));
        let stale =
            (!self.last_is_served).then(|| format!("the last version was not served within {TIMEOUT:?}"));
        let words: Vec<String> = first.into_iter().chain(stale).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl Values {
    /// The values that a page shows.
    pub(crate) fn of(page: &str) -> Option<Values> {
        let value = |key: &str| {
            let (_, after) = page.split_once(&format!("<dt>{key}</dt><dd>"))?;
            after.split_once("</dd>").map(|(value, _)| value.to_owned())
        };
        Some(Values {
            name: value("app_name")?,
            database: value("name")?,
            interval: value("refresh_interval_seconds")?,
        })
    }

    fn are_one_version(&self) -> bool {
        let number: Option<u32> = self.name.strip_prefix('v').and_then(|number| number.parse().ok());
        number.is_some_and(|number| self.name == self.database && self.interval.parse() == Ok(BASE + number))
    }
}

impl Display for Values {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Values { name, database, interval } = self;
        write!(f, "app_name: {name}, database.name: {database}, refresh_interval_seconds: {interval}")
    }
}

#[cfg(test)]
mod tests {
    use super::{SAVES, Values, count};
    use std::{
        fs,
        io::{Read, Write},
        net::TcpListener,
        path::Path,
        thread,
    };

    const YAML: &str =
        "app_name: Shop\ndatabase:\n  name: shop_db\nsettings:\n  refresh_interval_seconds: 5\n";

    /// The page of a server that reads its file for each request, without a check.
    fn naive_page(path: &Path) -> String {
        let text = fs::read_to_string(path).unwrap();
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(": "));
            format!("<dt>{key}</dt><dd>{}</dd>", line.unwrap_or_default())
        };
        ["app_name", "name", "refresh_interval_seconds"].map(value).concat()
    }

    /// Serves pages, one connection after the other, until the process ends.
    fn serve(page: impl Fn() -> String + Send + 'static) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut head) = (stream.unwrap(), [0; 4096]);
                let _ = stream.read(&mut head);
                let page = page();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
            }
        });
        address
    }

    #[test]
    fn a_server_that_reads_its_file_for_each_request_serves_torn_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        fs::write(&path, YAML).unwrap();
        let served = path.clone();
        let counted = count(serve(move || naive_page(&served)), &path, YAML).unwrap();
        // Each save has two pauses, and a page is read in each of them.
        assert!(
            counted.torn >= 2 * SAVES && counted.torn < counted.read && counted.last_is_served,
            "{counted:?}"
        );
        assert!(counted.first.unwrap().starts_with("app_name: , database.name: "));
        assert_eq!(fs::read_to_string(&path).unwrap(), YAML, "the text is restored");
    }

    #[test]
    fn a_server_that_does_not_follow_its_file_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        fs::write(&path, YAML).unwrap();
        let failed = count(serve(|| "<p>".to_owned()), &path, YAML).unwrap_err();
        assert!(failed.message().unwrap().starts_with("a whole save was not served within 2s"));
        assert_eq!(fs::read_to_string(&path).unwrap(), YAML, "the text is restored");
    }

    #[test]
    fn values_are_one_version_or_torn() {
        let values = |name: &str, database: &str, interval: &str| {
            let page = format!(
                "<dt>app_name</dt><dd>{name}</dd> <dt>name</dt><dd>{database}</dd> \
                 <dt>refresh_interval_seconds</dt><dd>{interval}</dd>"
            );
            Values::of(&page).unwrap()
        };
        assert!(values("v7", "v7", "1007").are_one_version());
        for (name, database, interval) in [
            ("v7", "v6", "1007"),
            ("v7", "v7", "1006"),
            ("v7", "v7", "0"),
            ("", "", ""),
            ("MyRustApp", "myapp_db", "5"),
        ] {
            assert!(!values(name, database, interval).are_one_version(), "{name} {database} {interval}");
        }
        assert_eq!(Values::of("<p>"), None);
    }
}
