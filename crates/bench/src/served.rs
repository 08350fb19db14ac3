//! A storm of saves over the files of a running demo, judged by its pages and its history.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use conformance::{Client, Failed, Running, Server, wait_until};
use serde_json::{Value, json};

use crate::{
    saves::{Save, Saves, now},
    storm,
    text::Text,
    workload::Workload,
};

/// The result of a storm over a server.
pub(crate) struct ServedVerdict {
    saves: usize,
    /// The number of new generations, or of new template sets.
    published: u64,
    /// The generations whose changed values were all compared.
    examined: usize,
    /// The number of pages that were read meanwhile.
    pages: usize,
    torn: usize,
    /// The first torn page or generation.
    example: Option<String>,
    rejected: u64,
    /// The torn and rejected values that a delayed writer may explain: it paused for longer than the quiet period.
    excused: u64,
    last_published: bool,
}

/// The time and the text of a torn value.
type Torn = (u64, String);

/// A template with the first and the last value of each layer.
const PAGE: &str = "{{ app_name }} {{ database.name }} {{ settings.refresh_interval_seconds }}";

/// The versions in force at the start.
const FIRST: [u64; 2] = [0, 1];

pub(crate) fn over_a_server(
    binary: &Path,
    parent: &Path,
    what: Text,
    workload: Workload,
    count: u64,
) -> Result<ServedVerdict, Failed> {
    let folder = process_tree::folder_in(parent, "storm-")?;
    let path = folder.path().canonicalize()?;
    let server = start(binary, &path, what)?;
    let count = count & !1;
    let saves = Saves { what, first: 2, size: 0, ..workload.saves(path, count) };
    let last = saves.first + saves.count - 1;
    let done = AtomicBool::new(false);
    let (log, visits, history) = thread::scope(|scope| {
        let visitor = scope.spawn(|| visit(&server, what, &done));
        let historian = scope.spawn(|| examine(&server, what, &done));
        let log = storm::write(&saves);
        let settled = wait_until("the last version", || {
            let page = server.get("/").map(|page| page.text()).unwrap_or_default();
            page_of(what, &page) == Ok(Some(last))
        });
        done.store(true, Ordering::Relaxed);
        let visits = visitor.join().map_err(|_| "the visitor panicked")?;
        let history = historian.join().map_err(|_| "the historian panicked")?;
        Ok::<_, Failed>(((log?, settled.is_ok()), visits?, history?))
    })?;
    let ((log, last_published), (pages, mut torn), (examined, torn_generations)) = (log, visits, history);
    torn.extend(torn_generations);
    let excused = torn.iter().filter(|(at, _)| log.iter().any(|save| save.excuses(*at))).count() as u64;
    let stalls: u64 = log.iter().map(|save: &Save| save.stalls).sum();
    let source = if what == Text::Layers { "config" } else { "templates" };
    let reloads =
        |outcome| server.metric("config_reloads_total", &[("source", source), ("outcome", outcome)]);
    let rejected = whole_number(reloads("rejected")?);
    Ok(ServedVerdict {
        saves: log.len(),
        published: whole_number(reloads("accepted")?),
        examined,
        pages,
        torn: torn.len(),
        example: torn.into_iter().next().map(|(_, page)| page),
        rejected,
        excused: excused + rejected.min(stalls),
        last_published,
    })
}

impl ServedVerdict {
    /// Most torn texts are rejected, so a rejection counts as torn.
    pub(crate) fn is_clean(&self) -> bool {
        self.torn as u64 + self.rejected == self.excused && self.last_published
    }

    pub(crate) fn figures(&self) -> Value {
        json!({
            "saves": self.saves,
            "published": self.published,
            "generations_examined": self.examined,
            "pages_read": self.pages,
            "torn": self.torn as u64 + self.rejected,
            "torn_while_the_writer_was_held_up": self.excused,
            "first_torn": self.example,
            "rejected": self.rejected,
            "last_published": self.last_published,
        })
    }
}

fn start(binary: &Path, folder: &Path, what: Text) -> Result<Running, Failed> {
    let file = |name: &str| -> PathBuf { folder.join(name) };
    fs::create_dir(file("templates"))?;
    for number in FIRST {
        fs::write(file(Text::Layers.file(number)), Text::Layers.version(number, 0))?;
    }
    let page = if what == Text::Template { Text::Template.version(1, 0) } else { PAGE.to_owned() };
    fs::write(file("templates/index.html"), page)?;
    let mut server = Server::new(binary);
    for layer in ["lower.yaml", "upper.yaml"] {
        server = server.arg("--config").arg(file(layer));
    }
    server.arg("--templates").arg(file("templates")).start()
}

/// Reads the page in a loop. Returns the number of pages, and the torn ones.
fn visit(server: &Running, what: Text, done: &AtomicBool) -> Result<(usize, Vec<Torn>), Failed> {
    let mut client = server.client()?;
    let (mut pages, mut torn) = (0, Vec::new());
    while !done.load(Ordering::Relaxed) {
        let page = get(server, &mut client, "/")?;
        pages += 1;
        if page_of(what, &page).is_err() {
            torn.push((now(), page));
        }
    }
    Ok((pages, torn))
}

/// Examines every generation in the history. Returns their number, and the torn ones.
fn examine(server: &Running, what: Text, done: &AtomicBool) -> Result<(usize, Vec<Torn>), Failed> {
    let (mut seen, mut torn) = (BTreeSet::new(), Vec::new());
    while what == Text::Layers && !done.load(Ordering::Relaxed) {
        for attempt in server.history()? {
            let generation = attempt["generation"].as_u64().unwrap_or(0);
            let is_accepted = attempt["outcome"] == "accepted" && generation > 1;
            if is_accepted && seen.insert(generation) && !is_whole(&attempt) {
                torn.push((now(), attempt.to_string()));
            }
        }
    }
    Ok((seen.len(), torn))
}

/// Opens the connection again if the server has closed it.
fn get(server: &Running, client: &mut Client, target: &str) -> Result<String, Failed> {
    if let Ok(answer) = client.get(target) {
        return Ok(answer.text());
    }
    *client = server.client()?;
    Ok(client.get(target)?.text())
}

/// The version of a page. None if it is a version from the start. An error if the page is torn.
fn page_of(what: Text, page: &str) -> Result<Option<u64>, ()> {
    match what {
        Text::Lines => Err(()),
        Text::Layers => {
            let words: Vec<&str> = page.split(' ').collect();
            let [name, database, seconds] = words[..] else { return Err(()) };
            let lower: u64 = name.strip_prefix('v').and_then(|number| number.parse().ok()).ok_or(())?;
            let upper = seconds.parse::<u64>().map_err(|_| ())?.checked_sub(1).ok_or(())?;
            let is_whole = name == database && lower.is_multiple_of(2) && !upper.is_multiple_of(2);
            is_whole.then_some((lower.max(upper) > 1).then_some(lower.max(upper))).ok_or(())
        }
        Text::Template => {
            let number = page.strip_prefix("begin v").and_then(|rest| rest.split(' ').next()).ok_or(())?;
            let number: u64 = number.parse().map_err(|_| ())?;
            let expected = Text::Template
                .version(number, 0)
                .replace("{{ app_name }}", "v0")
                .replace("{{ database.name }}", "v0")
                .replace("{# that was all #}", "");
            (page == expected).then_some((number > 1).then_some(number)).ok_or(())
        }
    }
}

/// True if an accepted edit changed all values of one layer or of both, each layer to one version.
fn is_whole(attempt: &Value) -> bool {
    let changed = attempt["changed"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut layers = [(0, BTreeSet::new()), (0, BTreeSet::new())];
    for change in changed {
        let path = change["path"].as_str().unwrap_or_default();
        let to = &change["to"];
        let of_route = to.as_str().and_then(|text| text.strip_prefix('v')?.parse::<u64>().ok());
        let (layer, version) = if path.contains("low") || path == "app_name" || path == "database.name" {
            (0, of_route)
        } else if path.contains("up") {
            (1, of_route)
        } else {
            (1, to.as_u64().map(|seconds| seconds - 1))
        };
        layers[layer].0 += 1;
        layers[layer].1.insert(version);
    }
    let [(lower, low_versions), (upper, up_versions)] = layers;
    let one = |versions: &BTreeSet<Option<u64>>| versions.len() <= 1 && !versions.contains(&None);
    [0, 12].contains(&lower)
        && [0, 11].contains(&upper)
        && lower + upper > 0
        && one(&low_versions)
        && one(&up_versions)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter of some thousands")]
fn whole_number(counted: f64) -> u64 {
    counted as u64
}

#[cfg(test)]
mod tests {
    use super::{is_whole, page_of};
    use crate::text::Text;
    use serde_json::json;

    #[test]
    fn a_page_is_of_one_version_or_torn() {
        assert_eq!(page_of(Text::Layers, "v8 v8 8"), Ok(Some(8)));
        assert_eq!(page_of(Text::Layers, "v0 v0 2"), Ok(None));
        for torn in ["v8 v6 8", "v8 v 8", "v8 v8 9", "v8 v8 0", "v8 v8", ""] {
            assert_eq!(page_of(Text::Layers, torn), Err(()), "{torn}");
        }
        let rendered = |number| {
            let text = Text::Template.version(number, 0).replace("{{ app_name }}", "v0");
            text.replace("{{ database.name }}", "v0").replace("{# that was all #}", "")
        };
        assert_eq!(page_of(Text::Template, &rendered(7)), Ok(Some(7)));
        let cut = rendered(7);
        assert_eq!(page_of(Text::Template, &cut[..cut.len() - 2]), Err(()));
    }

    #[test]
    fn a_generation_changes_whole_layers() {
        let mut changed: Vec<_> =
            (0..10).map(|n| json!({"path": format!("routes./up{n}"), "to": "v7"})).collect();
        changed.push(json!({"path": "settings.refresh_interval_seconds", "to": 8}));
        assert!(is_whole(&json!({ "changed": changed })));
        let last = changed.pop();
        assert!(!is_whole(&json!({ "changed": changed })), "a value is missing");
        changed.extend(last);
        changed[3]["to"] = json!("v9");
        assert!(!is_whole(&json!({ "changed": changed })), "two versions at once");
    }
}
