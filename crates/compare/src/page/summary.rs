//! The table of all figures, and the list of the servers.

use maud::{Markup, html};

use super::{
    figures::{Figure, Figures, Row, Server},
    number::number,
    prose::prose,
    table::{cell, name, pair, sorter},
};

/// One column for every figure, one row for every server.
pub(crate) fn summary(all: &Figures) -> Markup {
    let columns: Vec<(&Figure, &Row)> =
        all.list.iter().filter_map(|figure| Some((figure, heading(figure)?))).collect();
    html! {
        p.limits { "Medians; the best of a column is bold. A click on a heading sorts." }
        div.wide {
            table.summary {
                thead { tr {
                    (sorter(&html! { "server" }))
                    @for (figure, head) in &columns { (sorter(&html! {
                        (prose(&figure.title))
                        @if !head.series.is_empty() { ", " (prose(&head.series)) }
                        @if let (Some(axis), Some(x)) = (&figure.x, head.x) { ", " (number(x)) " " (axis.title) }
                        @if !figure.unit.is_empty() { small { (figure.unit) } }
                    })) }
                } }
                tbody { @for server in &all.servers { tr.(pair(all, &server.id)) {
                    th scope="row" { (name(server)) }
                    @for (figure, head) in &columns {
                        @let shown = all.servers.iter().filter_map(|server| matching_row(figure, head, &server.id));
                        (cell(matching_row(figure, head, &server.id), best(figure, shown), &head.series))
                    }
                } } }
            }
        }
    }
}

/// The versions and notes of all servers.
pub(crate) fn servers(all: &Figures) -> Markup {
    let known = |server: &&Server| !server.versions.is_empty() || !server.note.is_empty();
    html! {
        details { summary { "versions, and how each was written" } dl.servers {
            @for server in all.servers.iter().filter(known) {
                dt.(pair(all, &server.id)) { (name(server)) }
                dd { (server.versions) @if !server.note.is_empty() { "; " (prose(&server.note)) } }
            }
        } }
    }
}

/// The row that represents a figure in the table: the first series at its largest x.
fn heading(figure: &Figure) -> Option<&Row> {
    let first = figure.rows.iter().find(|row| row.median.is_some())?;
    let of_series = figure.rows.iter().filter(|row| row.series == first.series && row.median.is_some());
    of_series.max_by(|one, other| one.x.unwrap_or(0.0).total_cmp(&other.x.unwrap_or(0.0)))
}

/// A server's row of the same series and x. If it has no such series, its first row.
fn matching_row<'a>(figure: &'a Figure, head: &Row, server: &str) -> Option<&'a Row> {
    let place = |row: &&Row| row.server == server && (row.x == head.x || row.median.is_none());
    let same = figure.rows.iter().find(|row| place(row) && row.series == head.series);
    same.or_else(|| figure.rows.iter().find(place))
}

fn best<'a>(figure: &Figure, rows: impl Iterator<Item = &'a Row>) -> Option<f64> {
    let medians = rows.filter_map(|row| row.median);
    match figure.better.as_str() {
        "higher" => medians.reduce(f64::max),
        "lower" => medians.reduce(f64::min),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{best, heading, matching_row};
    use crate::page::figures::Figure;

    fn figure(text: &str) -> Figure {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_first_series_at_the_largest_x_stands_for_a_figure() {
        let curve = figure(
            r#"{"better":"higher","rows":[{"server":"a","x":64,"median":9},{"server":"a","x":1,"median":2},
                {"server":"b","x":64,"median":7},{"server":"c","note":"not offered"}]}"#,
        );
        let head = heading(&curve).unwrap();
        let shown = ["a", "b", "c", "d"].map(|server| matching_row(&curve, head, server));
        assert_eq!(shown.map(|row| row.and_then(|row| row.median)), [Some(9.0), Some(7.0), None, None]);
        assert_eq!(shown[2].unwrap().note, "not offered");
        assert_eq!(best(&curve, shown.into_iter().flatten()), Some(9.0));
    }

    #[test]
    fn a_server_without_that_series_is_shown_with_its_own() {
        let restarts = figure(
            r#"{"better":"lower","rows":[{"server":"a","series":"signal","median":0},{"server":"a","series":"other"},
                {"server":"b","series":"air","median":12}]}"#,
        );
        let head = heading(&restarts).unwrap();
        let own = matching_row(&restarts, head, "b").unwrap();
        assert_eq!((own.series.as_str(), own.median), ("air", Some(12.0)));
        assert_eq!(
            heading(&figure(r#"{"rows":[{"server":"a","note":"not yet"}]}"#)).map(|row| &row.note),
            None
        );
    }
}
