//! The file of results of `just bench`, which the page and the README use.

use std::{collections::BTreeMap, fs, io, path::Path};

use conformance::Failed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    servers::aim::Aim,
    stats::{median, round},
};

/// The latest figures.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    schema: u32,
    #[serde(default)]
    pub(crate) servers: Vec<Value>,
    #[serde(default)]
    pub(crate) figures: Vec<Figure>,
    #[serde(default)]
    pub(crate) aims: Vec<Aim>,
}

/// A figure: one measurement of every server.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) id: String,
    group: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    better: Option<String>,
    /// The meaning of the rows' `x`, if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) x: Option<Axis>,
    what: String,
    limits: String,
    #[serde(default)]
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) at: String,
    #[serde(default)]
    pub(crate) machine: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rounds: Option<u32>,
    /// Further columns to show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// The horizontal axis of a plot.
#[derive(Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) title: String,
    pub(crate) log: bool,
}

/// The result of one server.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) series: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) median: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
    /// One value a round, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rounds: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    #[serde(flatten)]
    further: BTreeMap<String, Value>,
}

impl Record {
    /// Reads a record. Returns an empty one if there is no file.
    pub(crate) fn read(path: &Path) -> Result<Record, Failed> {
        match fs::read(path) {
            Ok(bytes) => {
                Ok(serde_json::from_slice(&bytes).map_err(|e| format!("`{}`: {e}", path.display()))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Record { schema: 1, servers: Vec::new(), figures: Vec::new(), aims: Vec::new() })
            }
            Err(error) => Err(format!("`{}`: {error}", path.display()).into()),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failed> {
        let text = serde_json::to_string_pretty(self)?;
        let beside = path.with_extension("new");
        fs::write(&beside, text + "\n")?;
        Ok(fs::rename(beside, path)?)
    }

    /// Replaces figures of the same names; adds others at the end.
    pub(crate) fn replace(&mut self, figures: Vec<Figure>) {
        for figure in figures {
            match self.figures.iter_mut().find(|known| known.id == figure.id) {
                Some(known) => *known = figure,
                None => self.figures.push(figure),
            }
        }
    }
}

impl Figure {
    /// A figure without results. Its group is passed separately: the first word of `id` may be another word.
    pub(crate) fn new(group: &str, id: &str, title: &str, unit: &str) -> Figure {
        Figure {
            id: id.to_owned(),
            group: group.to_owned(),
            title: title.to_owned(),
            unit: unit.to_owned(),
            better: Some("lower".to_owned()),
            x: None,
            what: String::new(),
            limits: String::new(),
            command: String::new(),
            at: String::new(),
            machine: Value::Null,
            rounds: None,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn more_is_better(mut self) -> Figure {
        self.better = Some("higher".to_owned());
        self
    }

    pub(crate) fn over(mut self, title: &str) -> Figure {
        self.x = Some(Axis { title: title.to_owned(), log: true });
        self
    }

    pub(crate) fn what(mut self, what: &str) -> Figure {
        what.clone_into(&mut self.what);
        self
    }

    pub(crate) fn limits(mut self, limits: &str) -> Figure {
        limits.clone_into(&mut self.limits);
        self
    }

    pub(crate) fn columns(mut self, columns: &[&str]) -> Figure {
        self.columns = columns.iter().map(|&column| column.to_owned()).collect();
        self
    }

    pub(crate) fn rows(mut self, rows: Vec<Row>) -> Figure {
        self.rows = rows;
        self
    }

    /// The median of a server's row. If there are several rows, the one with the greatest `x` up to 64 counts.
    pub(crate) fn of(&self, server: &str, series: Option<&str>) -> Option<f64> {
        let mine = self.rows.iter().filter(|row| row.server == server && row.series.as_deref() == series);
        let near = mine.filter(|row| row.x.is_none_or(|x| x <= 64.0));
        near.max_by(|a, b| a.x.unwrap_or(0.0).total_cmp(&b.x.unwrap_or(0.0)))?.median
    }

    /// A short form of the figure.
    pub(crate) fn brief(&self) -> Value {
        let rows = self.rows.iter().map(Row::brief).collect::<Vec<_>>();
        json!({ "id": self.id, "unit": self.unit, "rows": rows })
    }
}

impl Row {
    /// The median and the spread of one value a round.
    pub(crate) fn of(server: &str, rounds: Vec<f64>) -> Row {
        let finite: Vec<f64> = rounds.into_iter().filter(|value| value.is_finite()).map(round).collect();
        let least = finite.iter().copied().min_by(f64::total_cmp);
        let most = finite.iter().copied().max_by(f64::total_cmp);
        let middle = least.map(|_| round(median(finite.clone())));
        let further = BTreeMap::new();
        let server = server.to_owned();
        Row {
            server,
            series: None,
            x: None,
            median: middle,
            min: least,
            max: most,
            rounds: finite,
            note: None,
            further,
        }
    }

    /// A row without a value, with the reason.
    pub(crate) fn none(server: &str, why: &str) -> Row {
        Row::of(server, Vec::new()).note(why)
    }

    pub(crate) fn series(mut self, series: &str) -> Row {
        self.series = Some(series.to_owned());
        self
    }

    pub(crate) fn at(mut self, x: impl Into<f64>) -> Row {
        self.x = Some(x.into());
        self
    }

    pub(crate) fn with(mut self, column: &str, value: impl Into<Value>) -> Row {
        self.further.insert(column.to_owned(), value.into());
        self
    }

    pub(crate) fn note(mut self, note: &str) -> Row {
        self.note = Some(note.to_owned());
        self
    }

    /// A further column, if it is a number.
    pub(crate) fn further(&self, column: &str) -> Option<f64> {
        self.further.get(column)?.as_f64()
    }

    fn brief(&self) -> Value {
        let name = [Some(self.server.clone()), self.series.clone(), self.x.map(|x| x.to_string())];
        let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let value =
            self.median.map_or_else(|| self.note.clone().unwrap_or_default(), |median| median.to_string());
        let further = self.further.iter().map(|(name, value)| format!("{name} {value}"));
        let all = [value].into_iter().chain(further).collect::<Vec<_>>().join(", ");
        Value::String(format!("{name}: {all}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Record, Row};

    #[test]
    fn a_figure_stays_until_it_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        let figure = |id, value| {
            Figure::new("cpu", id, "", "µs").rows(vec![Row::of("demo-axum", vec![value]).with("p99", 2.5)])
        };
        let mut record = Record::read(&path).unwrap();
        record.replace(vec![figure("one", 1.0), figure("two", 2.0)]);
        record.write(&path).unwrap();
        let mut record = Record::read(&path).unwrap();
        record.replace(vec![figure("two", 3.0), figure("three", 4.0)]);
        let values: Vec<_> = record.figures.iter().map(|figure| figure.of("demo-axum", None)).collect();
        assert_eq!(values, [Some(1.0), Some(3.0), Some(4.0)]);
        assert_eq!(record.figures[0].rows[0].further("p99"), Some(2.5));
    }

    #[test]
    fn a_row_has_the_median_of_its_rounds_or_says_why_not() {
        let row = Row::of("a", vec![3.0, f64::NAN, 1.0, 2.0]);
        assert_eq!((row.median, row.min, row.max), (Some(2.0), Some(1.0), Some(3.0)));
        let row = Row::none("a", "not offered");
        assert_eq!((row.median, row.note.as_deref()), (None, Some("not offered")));
    }

    #[test]
    fn of_several_connection_counts_the_one_to_compare_by_is_64() {
        let rows = [4, 64, 256].map(|x| Row::of("a", vec![f64::from(x)]).at(x));
        let figure = Figure::new("throughput", "t", "", "").rows(rows.into_iter().collect());
        assert_eq!(figure.of("a", None), Some(64.0));
        assert_eq!(figure.of("a", Some("b")), None);
    }
}
