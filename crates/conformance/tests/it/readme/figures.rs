//! The table beside Go is the record of the bench.

use serde_json::Value;

use super::read;

/// The path of the record.
const RECORD: &str = "crates/bench/results/bench.json";

/// The columns of the table, as the record names them.
const SERVERS: [&str; 8] =
    ["demo-axum", "demo-actix-web", "demo-warp", "demo-poem", "go-gin", "go-echo", "go-fiber", "go-goframe"];

/// A row of the table, and for each of its values the figure, its series and its size in the record.
type Row = (&'static str, &'static [(&'static str, Option<&'static str>, Option<f64>)]);

const ROWS: [Row; 11] = [
    ("CPU time of `/dynamic-config`, µs", &[("cpu-dynamic-config", None, None)]),
    ("the same bytes from a static route, µs", &[("cpu-static", Some("/dynamic-config"), None)]),
    ("the same body with its content type alone, µs", &[("cpu-body", Some("/dynamic-config"), None)]),
    ("one word from the bare framework, µs", &[("cpu-bare", None, None)]),
    ("CPU time of `/`, µs", &[("cpu-page", None, None)]),
    (
        "save to answer, in place; by rename, ms",
        &[("save-to-served", Some("in place"), None), ("save-to-served", Some("by rename"), None)],
    ),
    ("the same with 10,000 keys, ms", &[("growth-keys", None, Some(10_000.0))]),
    ("start to first answer, ms", &[("start", None, None)]),
    (
        "memory just started; with 10,000 open `/events`, MB",
        &[("memory-idle", Some("just started"), None), ("memory-events", None, None)],
    ),
    (
        "save to the last of 10,000 open `/events`, ms",
        &[("growth-subscribers", Some("last subscriber"), Some(10_000.0))],
    ),
    (
        "a cold build; after an edit of one file, s",
        &[("build-cold", None, None), ("build-incremental", None, None)],
    ),
];

#[test]
fn the_table_beside_go_is_the_record() {
    let record: Value = serde_json::from_str(&read(RECORD)).expect("JSON");
    let page = read("docs/measured.md");
    for (label, values) in ROWS {
        let row = page.lines().find(|line| line.starts_with(&format!("| {label} |")));
        let row = row.unwrap_or_else(|| panic!("docs/measured.md has no row `{label}`"));
        let cells: Vec<&str> = row.split('|').skip(2).map(str::trim).collect();
        for (server, cell) in SERVERS.iter().zip(cells) {
            let parts: Vec<&str> = cell.split(';').map(str::trim).collect();
            for (at, (figure, series, size)) in values.iter().enumerate() {
                let shown = parts.get(at).copied().unwrap_or_default();
                let measured = median(&record, figure, server, *series, *size);
                assert!(
                    agrees(shown, measured),
                    "{label}, {server}: docs/measured.md says `{shown}`, {RECORD} {measured:?}"
                );
            }
        }
    }
}

#[test]
fn a_figure_that_is_not_the_measured_one_is_found() {
    for (shown, measured, same) in [
        ("8.2", Some(8.227), true),
        ("8.3", Some(8.227), false),
        ("139", Some(139.327), true),
        ("-", None, true),
        ("", None, true),
        ("8.2", None, false),
        ("-", Some(8.2), false),
    ] {
        assert_eq!(agrees(shown, measured), same, "{shown} {measured:?}");
    }
}

fn median(
    record: &Value,
    figure: &str,
    server: &str,
    series: Option<&str>,
    size: Option<f64>,
) -> Option<f64> {
    let figures = record["figures"].as_array().expect("a list of figures");
    let figure = figures.iter().find(|one| one["id"] == figure).expect("a figure of the record");
    let rows = figure["rows"].as_array().expect("a list of rows");
    let is_it = |row: &&Value| {
        row["server"] == server
            && series.is_none_or(|series| row["series"] == series)
            && size.is_none_or(|size| row["x"].as_f64() == Some(size))
    };
    rows.iter().find(is_it).and_then(|row| row["median"].as_f64())
}

/// True if a rounded number is the measured one; nothing, or a dash, where nothing was measured.
fn agrees(shown: &str, measured: Option<f64>) -> bool {
    let Some(measured) = measured else { return ["", "-"].contains(&shown) };
    let places = shown.split_once('.').map_or(0, |(_, places)| places.len());
    let half = 0.5 / 10_f64.powi(i32::try_from(places).unwrap_or(i32::MAX));
    shown.parse().is_ok_and(|shown: f64| (shown - measured).abs() <= half + 1e-9)
}
