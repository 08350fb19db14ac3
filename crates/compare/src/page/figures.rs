//! The figures that `just bench` has recorded. A figure that is missing is not shown.

use std::{fs, path::Path};

use conformance::Failed;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The servers, in their order on the page.
    pub(crate) servers: Vec<Server>,
    /// The figures by group, in the order of [`GROUPS`].
    pub(crate) list: Vec<Figure>,
    pub(crate) aims: Vec<Aim>,
    /// The files that could not be read, with reasons.
    pub(crate) problems: Vec<String>,
}

/// A server that was measured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Server {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) versions: String,
    pub(crate) counterpart: String,
    pub(crate) note: String,
}

/// A figure: one measurement of every server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    /// `higher`, `lower`, or nothing.
    pub(crate) better: String,
    /// The meaning of the rows' `x`, if the figure is a curve.
    pub(crate) x: Option<Axis>,
    pub(crate) what: String,
    pub(crate) limits: String,
    pub(crate) command: String,
    pub(crate) at: String,
    pub(crate) machine: Machine,
    pub(crate) rounds: Option<u64>,
    /// Further columns to show.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Axis {
    pub(crate) title: String,
    pub(crate) log: bool,
}

/// The machine of a measurement.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Machine {
    processor: String,
    cores: Option<u64>,
    memory_gb: Option<f64>,
    kernel: String,
    rustc: String,
    go: String,
    load_from: String,
    load_average: Option<f64>,
}

/// The result of one server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    pub(crate) server: String,
    /// The variant of the server, if there are several.
    pub(crate) series: String,
    pub(crate) x: Option<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// A note, or the reason why there is no value.
    pub(crate) note: String,
    /// Its other numbers.
    #[serde(flatten)]
    pub(crate) others: serde_json::Map<String, Value>,
}

/// An aim for a figure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Aim {
    pub(crate) server: String,
    pub(crate) against: String,
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) measured: Option<f64>,
    pub(crate) met: Option<bool>,
    pub(crate) note: String,
}

/// The groups of figures and their titles, in order.
pub(crate) const GROUPS: [(&str, &str); 9] = [
    ("size", "Size and build"),
    ("start", "Start"),
    ("throughput", "Throughput"),
    ("cpu", "Processor time"),
    ("latency", "Latency"),
    ("memory", "Memory"),
    ("saves", "Save to served"),
    ("restarts", "Restarts"),
    ("growth", "Growth"),
];

impl Figures {
    /// Reads every `*.json` of a folder, or one file. A folder that is not there has no figures.
    pub(crate) fn read(path: &Path) -> Result<Figures, Failed> {
        let mut files = vec![path.to_owned()];
        if !path.is_file() {
            let listed = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            files = listed.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
            files.sort();
        }
        let mut all = Figures::default();
        for file in files {
            let text = fs::read_to_string(&file).map_err(|e| format!("`{}`: {e}", file.display()))?;
            all.add(&file.file_name().unwrap_or_default().to_string_lossy(), &text);
        }
        let rank = |figure: &Figure| GROUPS.iter().position(|(group, _)| *group == figure.group);
        all.list.sort_by_key(|figure| rank(figure).unwrap_or(GROUPS.len()));
        Ok(all)
    }

    /// The server of this id, or one that has nothing but the id.
    pub(crate) fn server(&self, id: &str) -> Server {
        let known = self.servers.iter().find(|server| server.id == id).cloned();
        known.unwrap_or_else(|| Server { id: id.to_owned(), name: id.to_owned(), ..Server::default() })
    }

    fn add(&mut self, file: &str, text: &str) {
        let mut document: Value = match serde_json::from_str(text) {
            Ok(document) => document,
            Err(error) => return self.problems.push(format!("`{file}`: {error}")),
        };
        without_nulls(&mut document);
        for server in parts::<Server>(&mut document["servers"], file, &mut self.problems) {
            if !self.servers.iter().any(|known| known.id == server.id) {
                self.servers.push(server);
            }
        }
        self.list.extend(parts::<Figure>(&mut document["figures"], file, &mut self.problems));
        self.aims.extend(parts::<Aim>(&mut document["aims"], file, &mut self.problems));
    }
}

impl Machine {
    /// A description of the machine.
    pub(crate) fn words(&self) -> String {
        let number = |number: Option<f64>, unit: &str| number.map(|number| format!("{number} {unit}"));
        let version = |name: &str, version: &str| (!version.is_empty()).then(|| format!("{name} {version}"));
        let parts = [
            version("", &self.processor).map(|name| name.trim().to_owned()),
            self.cores.map(|cores| format!("{cores} cores")),
            number(self.memory_gb, "GB"),
            version("Linux", &self.kernel),
            version("rustc", &self.rustc),
            version("Go", &self.go),
            version("load from", &self.load_from),
            self.load_average.map(|load| format!("load average {load}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The readable members of a list. Adds the reasons for the others.
fn parts<T: DeserializeOwned>(list: &mut Value, file: &str, problems: &mut Vec<String>) -> Vec<T> {
    let members = match list.take() {
        Value::Array(members) => members,
        _ => Vec::new(),
    };
    let read = members.into_iter().filter_map(|member| {
        let name = member["id"].as_str().unwrap_or("a part without an `id`").to_owned();
        serde_json::from_value(member)
            .map_err(|error| problems.push(format!("`{file}`: {name}: {error}")))
            .ok()
    });
    read.collect()
}

/// `null` is absent.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(members) => members.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use std::fs;

    fn read(texts: &[(&str, &str)]) -> Figures {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in texts {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Figures::read(folder.path()).unwrap()
    }

    #[test]
    fn absent_null_and_unknown_fields_are_accepted() {
        let text = r#"{"schema":1,"new":[],"servers":[{"id":"demo-axum","name":null}],"figures":[
            {"id":"start","x":null,"rows":[{"server":"demo-axum","median":1.5,"p99":2,"rounds":[1,2]},{"server":"go-gin","note":"not offered"}]}]}"#;
        let figures = read(&[("bench.json", text)]);
        assert!(figures.problems.is_empty(), "{:?}", figures.problems);
        let rows = &figures.list[0].rows;
        assert_eq!((rows[0].median, rows[0].others["p99"].as_f64()), (Some(1.5), Some(2.0)));
        assert_eq!((rows[1].median, rows[1].note.as_str()), (None, "not offered"));
        assert_eq!(figures.server("go-gin").name, "go-gin");
    }

    #[test]
    fn files_are_laid_together_and_figures_ordered_by_group() {
        let one = r#"{"servers":[{"id":"a","name":"A"}],"figures":[{"id":"late","group":"growth"},{"id":"new","group":"?"}]}"#;
        let other = r#"{"servers":[{"id":"a","name":"B"}],"figures":[{"id":"early","group":"size"}],"aims":[{"met":true}]}"#;
        let figures = read(&[("1.json", one), ("2.json", other), ("plot.svg", "<svg/>")]);
        let ids: Vec<&str> = figures.list.iter().map(|figure| figure.id.as_str()).collect();
        assert_eq!(ids, ["early", "late", "new"]);
        assert_eq!((figures.servers.len(), figures.server("a").name.as_str()), (1, "A"));
        assert_eq!(figures.aims[0].met, Some(true));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_reported_and_the_rest_is_shown() {
        let figures =
            read(&[("1.json", r#"{"figures":[{"id":"bad","rows":7},{"id":"good"}]}"#), ("2.json", "{")]);
        assert_eq!(figures.list.len(), 1);
        assert_eq!(figures.problems.len(), 2);
        assert!(figures.problems[0].starts_with("`1.json`: bad: invalid type"), "{:?}", figures.problems);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_figures() {
        let figures = Figures::read(std::path::Path::new("/nowhere")).unwrap();
        assert!(figures.list.is_empty() && figures.problems.is_empty());
    }
}
