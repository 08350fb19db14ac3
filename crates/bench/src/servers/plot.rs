//! A figure as an SVG of bars. It is readable on light and dark pages.

use std::{fmt::Write as _, fs, path::Path};

use conformance::Failed;

use crate::servers::{
    record::{Figure, Row},
    subject,
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 44.0;
const BAR: f64 = 20.0;

/// A colour for each subject that is legible on white and on near black: the demos warm, the counterparts cool.
const COLOURS: [&str; 8] =
    ["#c2410c", "#d9822b", "#b8860b", "#a8326b", "#1d7fb8", "#4a6fd0", "#1f9d8a", "#7a5fc0"];

const STYLE: &str = "text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#3a342e}.soft{fill:#857a6e}.title{font-weight:600}\
    .grid{stroke:#b5aa9c;stroke-opacity:.4}\
    @media(prefers-color-scheme:dark){text{fill:#e6ded4}.soft{fill:#a59a8d}}";

/// The figures that `docs/measured.md` shows. The page of `compare` draws its own.
const DRAWN: [&str; 1] = ["cpu-page"];

/// Writes the plot of a figure that the documents show beside the results.
pub(crate) fn draw(folder: &Path, figure: &Figure) -> Result<(), Failed> {
    let rows: Vec<&Row> = figure.rows.iter().filter(|row| row.median.is_some()).collect();
    if rows.is_empty() || !DRAWN.contains(&&*figure.id) {
        return Ok(());
    }
    Ok(fs::write(folder.join(format!("{}.svg", figure.id)), bars(figure, &rows))?)
}

fn bars(figure: &Figure, rows: &[&Row]) -> String {
    let most = rows.iter().filter_map(|row| row.median).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mut body = String::new();
    let mut y = TOP;
    for row in rows {
        let median = row.median.unwrap_or_default();
        let width = median / most * (WIDTH - LEFT - RIGHT);
        let _ = writeln!(
            body,
            "<text x='{:.0}' y='{:.0}' text-anchor='end'>{}</text>\
             <rect x='{LEFT:.0}' y='{:.0}' width='{width:.1}' height='{:.0}' rx='2' fill='{}'/>\
             <text x='{:.1}' y='{:.0}' class='soft'>{}</text>",
            LEFT - 8.0,
            y + 14.0,
            escaped(&name(row)),
            y + 2.0,
            BAR - 5.0,
            colour(row),
            LEFT + width + 6.0,
            y + 14.0,
            short(median),
        );
        y += BAR;
    }
    framed(figure, y + 10.0, &body)
}

fn framed(figure: &Figure, height: f64, body: &str) -> String {
    let unit = if figure.unit.is_empty() { String::new() } else { format!(", {}", figure.unit) };
    let title = escaped(&format!("{}{unit}", figure.title.replace('`', "")));
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH:.0} {height:.0}' role='img' aria-label='{title}'>\n\
         <style>{STYLE}</style>\n<text x='8' y='22' class='title'>{title}</text>\n{body}</svg>\n"
    )
}

fn name(row: &Row) -> String {
    let known = subject::ALL.iter().find(|subject| subject.id == row.server);
    let name = known.map_or(row.server.as_str(), |subject| subject.name);
    row.series.as_ref().map_or_else(|| name.to_owned(), |series| format!("{name}, {series}"))
}

fn colour(row: &Row) -> &'static str {
    let at = subject::ALL.iter().position(|subject| subject.id == row.server);
    at.map_or("#857a6e", |at| COLOURS[at % COLOURS.len()])
}

/// Three significant digits.
fn short(value: f64) -> String {
    match value {
        _ if value >= 1_000_000.0 => format!("{:.2} M", value / 1e6),
        _ if value >= 10_000.0 => format!("{:.1} k", value / 1e3),
        _ if value >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::{draw, short};
    use crate::servers::record::{Figure, Row};

    #[test]
    fn a_figure_of_the_documents_is_drawn_as_bars() {
        let folder = tempfile::tempdir().unwrap();
        let rows = || vec![Row::of("demo-axum", vec![1.0]), Row::of("go-gin", vec![3.0])];
        draw(folder.path(), &Figure::new("cpu", "cpu-page", "A & B", "µs").rows(rows())).unwrap();
        let bars = std::fs::read_to_string(folder.path().join("cpu-page.svg")).unwrap();
        assert_eq!((bars.matches("<rect").count(), bars.matches("A &amp; B, µs").count()), (2, 2));
        draw(folder.path(), &Figure::new("cpu", "cpu-body", "", "µs").rows(rows())).unwrap();
        assert!(!folder.path().join("cpu-body.svg").exists());
    }

    #[test]
    fn a_figure_without_a_number_has_no_plot() {
        let folder = tempfile::tempdir().unwrap();
        let figure = Figure::new("cpu", "cpu-page", "", "µs").rows(vec![Row::none("go-gin", "not offered")]);
        draw(folder.path(), &figure).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.123, 12.34, 123.4, 12345.0, 2_500_000.0].map(short);
        assert_eq!(all, ["0", "0.12", "12.3", "123", "12.3 k", "2.50 M"]);
    }
}
