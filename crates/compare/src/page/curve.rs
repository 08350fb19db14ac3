//! A line chart of a figure.

use maud::{Markup, html};

use super::{
    figures::{Figure, Figures, Row},
    number::number,
    prose::prose,
    table::pair,
};

/// The size of a chart, in its own units.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;

/// The area of the curves.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 394.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 216.0;

/// The scale is logarithmic if the maximum is at least this number of times the minimum.
const FAR_APART: f64 = 40.0;

/// One chart for every series.
pub(crate) fn plots(all: &Figures, figure: &Figure) -> Markup {
    let mut series: Vec<&str> = Vec::new();
    for row in figure.rows.iter().filter(|row| row.median.is_some()) {
        if !series.contains(&row.series.as_str()) {
            series.push(&row.series);
        }
    }
    html! {
        div.plots { @for series in &series {
            div {
                @if !series.is_empty() { h5 { (prose(series)) } }
                (plot(all, figure, series))
            }
        } }
        ul.legend { @for server in all.servers.iter().filter(|server| has_curve(figure, &server.id)) {
            li.(pair(all, &server.id)) { i.chip {} (server.name) }
        } }
    }
}

fn has_curve(figure: &Figure, server: &str) -> bool {
    figure.rows.iter().any(|row| row.server == server && row.median.is_some())
}

fn plot(all: &Figures, figure: &Figure, series: &str) -> Markup {
    let rows: Vec<&Row> = figure
        .rows
        .iter()
        .filter(|row| row.series == series && row.x.is_some() && row.median.is_some())
        .collect();
    let axis = figure.x.clone().unwrap_or_default();
    let across = Scale::over(rows.iter().filter_map(|row| row.x), axis.log, LEFT, RIGHT);
    let values: Vec<f64> = rows.iter().filter_map(|row| row.median).collect();
    let (least, most) =
        (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max));
    let is_log = least > 0.0 && most / least > FAR_APART;
    let up = if is_log {
        Scale::over(values.into_iter(), true, BOTTOM, TOP)
    } else {
        Scale::over([0.0, most].into_iter(), false, BOTTOM, TOP)
    };
    let mut servers: Vec<&str> = Vec::new();
    for row in &rows {
        if !servers.contains(&row.server.as_str()) {
            servers.push(&row.server);
        }
    }
    let title = format!("{} by {}", figure.title.replace('`', ""), axis.title);
    html! {
        svg.curve viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) {
            @for tick in up.ticks() {
                @let at = up.place(tick);
                line.grid x1=(LEFT) x2=(RIGHT) y1=(at) y2=(at) {}
                text x=(LEFT - 6.0) y=(at + 4.0) text-anchor="end" { (number(tick)) }
            }
            @for tick in across.ticks() {
                @let at = across.place(tick);
                line.grid x1=(at) x2=(at) y1=(BOTTOM) y2=(BOTTOM + 4.0) {}
                text x=(at) y=(BOTTOM + 17.0) text-anchor="middle" { (number(tick)) }
            }
            text.title x=(LEFT.midpoint(RIGHT)) y=(HEIGHT - 6.0) text-anchor="middle" { (axis.title) }
            @for server in servers {
                @let points = points(&rows, server, &across, &up);
                g.(pair(all, server)) {
                    polyline points=(joined(&points)) {}
                    @for (x, y, words) in &points {
                        circle cx=(x) cy=(y) r="3" { title { (all.server(server).name) ", " (words) } }
                    }
                }
            }
        }
    }
}

fn points(rows: &[&Row], server: &str, across: &Scale, up: &Scale) -> Vec<(f64, f64, String)> {
    let mut found: Vec<(f64, f64)> = rows
        .iter()
        .filter(|row| row.server == server)
        .filter_map(|row| Some((row.x?, row.median?)))
        .collect();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    let placed = found
        .into_iter()
        .map(|(x, y)| (across.place(x), up.place(y), format!("{}: {}", number(x), number(y))));
    placed.collect()
}

fn joined(points: &[(f64, f64, String)]) -> String {
    points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// Maps values to positions in the chart.
struct Scale {
    least: f64,
    most: f64,
    log: bool,
    start: f64,
    end: f64,
}

impl Scale {
    /// A logarithmic scale ends at its ticks, which are round numbers.
    fn over(values: impl Iterator<Item = f64>, log: bool, start: f64, end: f64) -> Scale {
        let (mut least, mut most) =
            values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
        let log = log && least > 0.0;
        if !log && most > least {
            most = (most / step(least, most)).ceil() * step(least, most);
        }
        if most <= least {
            (least, most) = if log { (least / 2.0, most * 2.0) } else { (least - 0.5, most + 0.5) };
        }
        Scale { least, most, log, start, end }
    }

    fn place(&self, value: f64) -> f64 {
        let share = if self.log {
            (value / self.least).ln() / (self.most / self.least).ln()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        self.start + share * (self.end - self.start)
    }

    /// The ticks: round numbers within the range.
    fn ticks(&self) -> Vec<f64> {
        if self.log { self.powers() } else { self.steps() }
    }

    /// Powers of ten. If there are few, also their halves and fifths.
    fn powers(&self) -> Vec<f64> {
        let within = |value: &f64| (self.least * 0.999..=self.most * 1.001).contains(value);
        let all = |of_ten: &[f64]| -> Vec<f64> {
            let powers = (-9..10).map(|power| 10_f64.powi(power));
            powers.flat_map(|power| of_ten.iter().map(move |part| power * part)).filter(within).collect()
        };
        let [tens, halves, fifths] = [all(&[1.0]), all(&[1.0, 3.0]), all(&[1.0, 2.0, 5.0])];
        [tens, halves].into_iter().find(|ticks| ticks.len() > 2).unwrap_or(fifths)
    }

    fn steps(&self) -> Vec<f64> {
        let step = step(self.least, self.most);
        let first = (self.least / step).ceil();
        let ticks = (0..12).map(|nth| (first + f64::from(nth)) * step);
        ticks.take_while(|tick| *tick <= self.most + step * 0.001).collect()
    }
}

/// A step of one, two or five times a power of ten, for about five ticks.
fn step(least: f64, most: f64) -> f64 {
    let rough = (most - least) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|part| part * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn scale(values: &[f64], log: bool) -> Scale {
        Scale::over(values.iter().copied(), log, 0.0, 100.0)
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-6
    }

    #[test]
    fn ticks_are_round_and_within() {
        for (values, log, ticks) in [
            (&[0.0, 71_234.0][..], false, &[0.0, 20_000.0, 40_000.0, 60_000.0, 80_000.0][..]),
            (&[0.0, 5.0], false, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (&[1.0, 1000.0], true, &[1.0, 10.0, 100.0, 1000.0]),
            (&[4.0, 64.0], true, &[5.0, 10.0, 20.0, 50.0]),
            (&[0.3, 20.0], true, &[0.3, 1.0, 3.0, 10.0]),
        ] {
            let found = scale(values, log).ticks();
            assert!(
                found.len() == ticks.len() && found.iter().zip(ticks).all(|(a, b)| near(*a, *b)),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_value_has_its_place() {
        assert!(near(scale(&[0.0, 10.0], false).place(5.0), 50.0));
        assert!(near(scale(&[1.0, 100.0], true).place(10.0), 50.0));
        assert!(near(scale(&[7.0], false).place(7.0), 50.0), "one value alone is in the middle");
        assert!(near(scale(&[7.0], true).place(7.0), 50.0));
        assert!(scale(&[0.0, 10.0], true).place(0.0).is_finite(), "0 has no logarithm");
    }
}
