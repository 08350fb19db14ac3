//! A figure as an SVG: bars, or lines over a logarithmic axis. It is readable on light and dark pages.

use std::{fmt::Write as _, fs, path::Path};

use conformance::Failed;

use crate::servers::{
    record::{Axis, Figure, Row},
    subject,
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 44.0;
const BAR: f64 = 20.0;
const HEIGHT: f64 = 300.0;

/// A colour for each subject that is legible on white and on near black: the demos warm, the counterparts cool.
const COLOURS: [&str; 8] =
    ["#c2410c", "#d9822b", "#b8860b", "#a8326b", "#1d7fb8", "#4a6fd0", "#1f9d8a", "#7a5fc0"];

const STYLE: &str = "text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#3a342e}.soft{fill:#857a6e}.title{font-weight:600}\
    .grid{stroke:#b5aa9c;stroke-opacity:.4}\
    @media(prefers-color-scheme:dark){text{fill:#e6ded4}.soft{fill:#a59a8d}}";

/// Writes the plot of a figure beside the results and returns its name. A figure without a number has no plot.
pub(crate) fn draw(folder: &Path, figure: &Figure) -> Result<Option<String>, Failed> {
    let rows: Vec<&Row> = figure.rows.iter().filter(|row| row.median.is_some()).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let svg = match &figure.x {
        Some(axis) if rows.iter().any(|row| row.x != rows[0].x) => lines(figure, axis, &rows),
        _ => bars(figure, &rows),
    };
    let name = format!("{}.svg", figure.id);
    fs::write(folder.join(&name), svg)?;
    Ok(Some(name))
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

fn lines(figure: &Figure, axis: &Axis, rows: &[&Row]) -> String {
    let points: Vec<(f64, f64)> = rows.iter().filter_map(|row| row.x.zip(row.median)).collect();
    let (least, most) = spread(points.iter().map(|point| point.0.max(1.0)));
    let (low, high) = spread(points.iter().map(|point| point.1.max(1e-3)));
    // Values that span a decade need a logarithmic axis.
    let steep = high / low > 10.0;
    let bottom = TOP + HEIGHT;
    let x_of =
        |x: f64| LEFT / 2.0 + (x.max(1.0) / least).ln() / (most / least).ln() * (WIDTH - LEFT / 2.0 - LEFT);
    let y_of = |y: f64| {
        let part = if steep { (y.max(1e-3) / low).ln() / (high / low).ln() } else { y / high };
        bottom - part * HEIGHT
    };
    let mut body = String::new();
    let marks = if steep { vec![low, (low * high).sqrt(), high] } else { vec![0.0, high / 2.0, high] };
    for mark in marks {
        let y = y_of(mark);
        let _ = writeln!(
            body,
            "<line x1='{:.0}' x2='{:.0}' y1='{y:.1}' y2='{y:.1}' class='grid'/><text x='{:.0}' y='{:.1}' text-anchor='end' class='soft'>{}</text>",
            LEFT / 2.0,
            WIDTH - LEFT,
            LEFT / 2.0 - 8.0,
            y + 4.0,
            short(mark),
        );
    }
    let mut xs: Vec<f64> = points.iter().map(|point| point.0).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    for x in xs {
        let _ = writeln!(
            body,
            "<text x='{:.1}' y='{:.0}' text-anchor='middle' class='soft'>{}</text>",
            x_of(x),
            bottom + 18.0,
            short(x)
        );
    }
    let _ = writeln!(
        body,
        "<text x='{:.0}' y='{:.0}' text-anchor='middle' class='soft'>{}</text>",
        WIDTH / 2.0 - LEFT / 4.0,
        bottom + 36.0,
        escaped(&axis.title)
    );
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let name = name(row);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut labels = Vec::new();
    for name_of_line in names {
        let mine: Vec<&&Row> = rows.iter().filter(|row| name(row) == name_of_line).collect();
        let path: Vec<String> = mine
            .iter()
            .filter_map(|row| row.x.zip(row.median))
            .map(|(x, y)| format!("{:.1},{:.1}", x_of(x), y_of(y)))
            .collect();
        let dashes =
            if mine[0].series.as_deref() == Some("last subscriber") { " stroke-dasharray='5 3'" } else { "" };
        let _ = writeln!(
            body,
            "<polyline points='{}' fill='none' stroke='{}' stroke-width='2'{dashes}/>",
            path.join(" "),
            colour(mine[0])
        );
        let end = mine.last().and_then(|row| row.median).unwrap_or_default();
        labels.push((y_of(end), name_of_line, colour(mine[0])));
    }
    for (y, name, colour) in apart(labels) {
        let _ = writeln!(
            body,
            "<text x='{:.0}' y='{:.1}' style='fill:{colour}'>{}</text>",
            WIDTH - LEFT + 8.0,
            y + 4.0,
            escaped(&name)
        );
    }
    framed(figure, bottom + 48.0, &body)
}

/// Labels at the ends of the lines, moved so that none covers another.
fn apart(mut labels: Vec<(f64, String, &'static str)>) -> Vec<(f64, String, &'static str)> {
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::MIN;
    for label in &mut labels {
        label.0 = label.0.max(free);
        free = label.0 + 15.0;
    }
    // Labels below the lower end move up, and push others up.
    let mut limit = TOP + HEIGHT;
    for label in labels.iter_mut().rev() {
        label.0 = label.0.min(limit);
        limit = label.0 - 15.0;
    }
    labels
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

fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) =
        values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    (least, if most > least { most } else { least * 2.0 })
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
    use super::{apart, draw, short};
    use crate::servers::record::{Figure, Row};

    #[test]
    fn a_figure_is_drawn_as_bars_or_as_lines() {
        let folder = tempfile::tempdir().unwrap();
        let drawn = |figure: &Figure| {
            let name = draw(folder.path(), figure).unwrap().unwrap();
            std::fs::read_to_string(folder.path().join(name)).unwrap()
        };
        let rows = || vec![Row::of("demo-axum", vec![1.0]), Row::of("go-gin", vec![3.0])];
        let bars = drawn(&Figure::new("cpu", "one", "A & B", "µs").rows(rows()));
        assert_eq!((bars.matches("<rect").count(), bars.matches("A &amp; B, µs").count()), (2, 2));
        let points = rows().into_iter().zip([1, 10]).flat_map(|(row, x)| [row.at(x)]).collect();
        let lines = drawn(&Figure::new("growth", "two", "", "ms").over("keys").rows(points));
        assert_eq!(lines.matches("<polyline").count(), 2);
        assert!(!lines.contains("NaN") && !lines.contains("inf"), "{lines}");
    }

    #[test]
    fn a_figure_without_a_number_has_no_plot() {
        let folder = tempfile::tempdir().unwrap();
        let figure = Figure::new("memory", "none", "", "MB").rows(vec![Row::none("go-gin", "not offered")]);
        assert_eq!(draw(folder.path(), &figure).unwrap(), None);
    }

    #[test]
    fn labels_do_not_cover_each_other() {
        let labels = [340.0, 342.0, 341.0].map(|y| (y, String::new(), ""));
        let ys: Vec<f64> = apart(labels.into()).into_iter().map(|label| label.0).collect();
        assert!(ys.windows(2).all(|pair| pair[1] - pair[0] >= 15.0 - 1e-9), "{ys:?}");
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.123, 12.34, 123.4, 12345.0, 2_500_000.0].map(short);
        assert_eq!(all, ["0", "0.12", "12.3", "123", "12.3 k", "2.50 M"]);
    }
}
