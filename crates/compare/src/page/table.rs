//! Parts of the tables of servers.

use maud::{Markup, html};

use super::{
    figures::{Figures, Row, Server},
    number::number,
    prose::prose,
};

/// A heading that sorts its column.
pub(crate) fn sorter(title: &Markup) -> Markup {
    html! { th scope="col" { button type="button" data-sort { (title) } } }
}

/// A server with its colour.
pub(crate) fn name(server: &Server) -> Markup {
    html! {
        i.chip {} (server.name)
        @if !server.language.is_empty() { small { " " (server.language) } }
    }
}

/// The median of a row, or the reason why there is none. Names the series if it is not that of the heading.
pub(crate) fn cell(row: Option<&Row>, best: Option<f64>, series: &str) -> Markup {
    let Some(row) = row else { return html! { td {} } };
    let other = (row.series != series).then_some(&row.series);
    let Some(median) = row.median else {
        return html! { td.none { @if let Some(other) = other { (prose(other)) ": " } (prose(&row.note)) } };
    };
    html! { td.best[best == Some(median)] data-value=(median) {
        (number(median)) @if let Some(other) = other { small { (prose(other)) } }
    } }
}

/// The CSS class of the colour that a server shares with its counterpart, and of the mark that tells them apart.
pub(crate) fn pair(all: &Figures, id: &str) -> String {
    let demos: Vec<&Server> = all.servers.iter().filter(|server| !server.counterpart.is_empty()).collect();
    if let Some(nth) = demos.iter().position(|server| server.id == id) {
        return format!("pair-{}", nth % 4);
    }
    match demos.iter().position(|server| server.counterpart == id) {
        Some(nth) => format!("pair-{} theirs", nth % 4),
        None => "pair-none".to_owned(),
    }
}
