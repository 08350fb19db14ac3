//! The bottom of the page: the figures, as tables that can be sorted and as plots.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    curve,
    figures::{Aim, Axis, Figure, Figures, GROUPS, Row},
    number::number,
    prose::prose,
    summary::{servers, summary},
    table::{cell, name, pair, sorter},
};

/// All figures: the summary, the aims, then each figure.
pub(crate) fn figures(all: &Figures) -> Markup {
    html! {
        @for problem in &all.problems { p.problem { "Not readable: " (prose(problem)) } }
        @if all.list.is_empty() {
            p.note { "Nothing has been measured here yet. " code { "just bench" } " does." }
        } @else {
            (summary(all))
            (servers(all))
            @if !all.aims.is_empty() { (aims(all)) }
            div.figures {
                @for (group, title) in GROUPS.into_iter().chain([("", "More")]) {
                    @let of_group: Vec<&Figure> = all.list.iter().filter(|figure| belongs(figure, group)).collect();
                    @if !of_group.is_empty() { h3 { (title) } }
                    @for figure in of_group { (one(all, figure)) }
                }
            }
        }
    }
}

/// True if a figure is shown in the group; the last one, without a name, is for all that are in no other.
fn belongs(figure: &Figure, group: &str) -> bool {
    let is_known = GROUPS.iter().any(|(known, _)| *known == figure.group);
    if group.is_empty() { !is_known } else { figure.group == group }
}

fn aims(all: &Figures) -> Markup {
    let line = |aim: &Aim| {
        let who = all.server(&aim.server).name;
        let has_other = !aim.against.is_empty() && aim.against != aim.server;
        let against = has_other.then(|| all.server(&aim.against).name);
        html! { tr {
            th scope="row" { (who) @if let Some(against) = against { " against " (against) } }
            td.text { (prose(&aim.what)) @if !aim.note.is_empty() { " " small { (prose(&aim.note)) } } }
            td { (prose(&aim.wanted)) }
            td data-value=[aim.measured] { @if let Some(measured) = aim.measured { (number(measured)) } }
            @match aim.met {
                Some(true) => td.good { "yes" },
                Some(false) => td.bad { "no" },
                None => td {},
            }
        } }
    };
    html! {
        h3 { "What was aimed at" }
        div.wide { table.aims {
            thead { tr { @for head in ["who", "what", "wanted", "measured", "met"] { (sorter(&html! { (head) })) } } }
            tbody { @for aim in &all.aims { (line(aim)) } }
        } }
    }
}

fn one(all: &Figures, figure: &Figure) -> Markup {
    html! {
        figure.figure id=(figure.id) {
            figcaption {
                h4 { (prose(&figure.title)) @if !figure.unit.is_empty() { small { " " (figure.unit) } } }
                @if let Some((axis, x)) = only_place(figure) { p { (axis.title) ": " (number(x)) } }
                @if !figure.what.is_empty() { p { (prose(&figure.what)) } }
            }
            @if is_curve(figure) {
                (curve::plots(all, figure))
                details { summary { "as a table" } (by_x(all, figure)) }
            } @else {
                (bars(all, figure))
            }
            @if !figure.limits.is_empty() { p.limits { (prose(&figure.limits)) } }
            p.method {
                @if !figure.command.is_empty() { code { (figure.command) } }
                @if let Some(rounds) = figure.rounds { ", rounds: " (rounds) }
                @if !figure.at.is_empty() { ", " time datetime=(figure.at) { (figure.at.replace('T', " ")) } }
                @let machine = figure.machine.words();
                @if !machine.is_empty() { ", " (machine) }
            }
        }
    }
}

/// True if to draw a curve. With a single x, bars show more.
fn is_curve(figure: &Figure) -> bool {
    figure.x.is_some() && only_place(figure).is_none()
}

/// The axis and the x of a figure whose rows all have the same x.
fn only_place(figure: &Figure) -> Option<(&Axis, f64)> {
    let mut places = figure.rows.iter().filter_map(|row| row.x);
    let first = places.next()?;
    let is_only = places.all(|place| place.total_cmp(&first).is_eq());
    figure.x.as_ref().filter(|_| is_only).map(|axis| (axis, first))
}

/// One row for every value, with a bar as long as the median and a line from the smallest to the largest.
fn bars(all: &Figures, figure: &Figure) -> Markup {
    let has_series = figure.rows.iter().any(|row| !row.series.is_empty());
    let has_spread = figure.rows.iter().any(|row| row.min < row.max && row.min.is_some());
    let most = figure
        .rows
        .iter()
        .filter_map(|row| row.max.filter(|_| has_spread).or(row.median))
        .fold(0.0, f64::max);
    let share =
        |value: f64| if most > 0.0 { format!("{:.2}%", value / most * 100.0) } else { "0%".to_owned() };
    html! {
        div.wide { table.bars {
            thead { tr {
                (sorter(&html! { "server" }))
                @if has_series { th.text scope="col" { button type="button" data-sort { "of" } } }
                th.plot { }
                (sorter(&html! { "median" }))
                @if has_spread { th.spread scope="col" { button type="button" data-sort { "range" } } }
                @for column in &figure.columns { (sorter(&html! { (column) })) }
            } }
            tbody { @for row in &figure.rows {
                @let server = all.server(&row.server);
                tr.(pair(all, &row.server)) {
                    th scope="row" { (name(&server)) @if has_series { small.series { (prose(&row.series)) } } }
                    @if has_series { td.text { (prose(&row.series)) } }
                    @if let Some(median) = row.median {
                        td.plot { span.track {
                            span.bar style={ "width:" (share(median)) } {}
                            @if let (Some(min), Some(max), true) = (row.min, row.max, has_spread) {
                                span.range style={ "left:" (share(min)) ";width:" (share(max - min)) } {}
                            }
                        } }
                        td data-value=(median) { (number(median)) @if !row.note.is_empty() { small { (prose(&row.note)) } } }
                        @if has_spread { (range(row)) }
                        @for column in &figure.columns { (other(row, column)) }
                    } @else {
                        td.none colspan=(2 + usize::from(has_spread) + figure.columns.len()) { (prose(&row.note)) }
                    }
                }
            } }
        } }
    }
}

fn range(row: &Row) -> Markup {
    let (Some(min), Some(max)) = (row.min, row.max) else { return html! { td.spread {} } };
    html! { td.spread data-value=(max - min) { (number(min)) "–" (number(max)) } }
}

fn other(row: &Row, column: &str) -> Markup {
    let value = match column {
        "min" => row.min,
        "max" => row.max,
        _ => row.others.get(column).and_then(Value::as_f64),
    };
    match (value, row.others.get(column)) {
        (Some(value), _) => html! { td data-value=(value) { (number(value)) } },
        (None, Some(Value::String(words))) => html! { td { (prose(words)) } },
        _ => html! { td {} },
    }
}

/// One column for every x.
fn by_x(all: &Figures, figure: &Figure) -> Markup {
    let mut places: Vec<f64> = figure.rows.iter().filter_map(|row| row.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for row in &figure.rows {
        if !lines.contains(&(&row.server, &row.series)) {
            lines.push((&row.server, &row.series));
        }
    }
    html! {
        div.wide { table {
            thead { tr {
                (sorter(&html! { @match &figure.x { Some(axis) => (axis.title), None => "" } }))
                @for place in &places { (sorter(&html! { (number(*place)) })) }
            } }
            tbody { @for (server, series) in lines { tr.(pair(all, server)) {
                th scope="row" { (name(&all.server(server))) @if !series.is_empty() { " " (prose(series)) } }
                @for place in &places {
                    @let row = figure.rows.iter().find(|row| {
                        row.server == server && row.series == series && (row.x == Some(*place) || row.median.is_none())
                    });
                    (cell(row, None, series))
                }
            } } }
        } }
    }
}
