//! The top of the page: the sites, and the edits that were made in them.

use maud::{Markup, html};

use super::{
    demo::DEMOS,
    edit::Edit,
    number::{milliseconds, number},
    outcome::{Made, Outcome},
    torn::Pages,
};

/// One site, as the page shows it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The content of its frame.
    pub(crate) address: String,
    /// The folder with its configuration and templates, if they can be edited.
    pub(crate) folder: Option<String>,
}
pub(crate) fn buttons() -> Markup {
    html! {
        div.buttons role="group" aria-label="Edits" {
            @for edit in Edit::ALL { button type="button" data-edit=(edit.name()) { (edit.title()) } }
        }
        p.status role="status" data-status {}
        noscript { p { "The buttons need the page's script; the folders below can be edited by hand." } }
    }
}

/// The switch that starts and ends the counterparts: whether it is on, and the reason why it cannot be used, if any.
pub(crate) fn switch(is_on: bool, missing: Option<&str>) -> Markup {
    html! {
        p.switch {
            label {
                input type="checkbox" data-counterparts checked[is_on] disabled[missing.is_some()] autocomplete="off";
                " The counterparts in Go, too: " (counterparts().collect::<Vec<_>>().join(", "))
            }
            @if let Some(missing) = missing { " " small { (missing) } }
        }
    }
}

/// The edits so far, the newest first, with columns for this number of servers.
pub(crate) fn edits(made: &[Made], servers: usize) -> Markup {
    html! {
        div.wide {
            table.edits data-edits hidden[made.is_empty()] {
                caption { "From the beginning of the save to the first answer that shows it" }
                thead { tr { th scope="col" { "edit" } @for name in names().take(servers) { th scope="col" { (name) } } } }
                @for made in made.iter().rev() { (one(made, servers)) }
            }
        }
    }
}

/// One edit, as a body of the table with columns for this number of servers.
pub(crate) fn one(made: &Made, servers: usize) -> Markup {
    let words = words(made);
    html! {
        tbody {
            tr {
                th scope="row" { (made.edit.title()) @if !made.words.is_empty() { " " code { (made.words) } } }
                @for outcome in made.outcomes.iter().take(servers) {
                    @match outcome {
                        Outcome::InForce(after) => td.good { (milliseconds(*after)) },
                        Outcome::Refused(after, _) => td.refused { "refused, " (milliseconds(*after)) },
                        Outcome::Kept => td.refused { "old value, no message" },
                        Outcome::Counted(Pages { torn: 0, read, .. }) => td.good { "0 torn of " (number(f64::from(*read))) },
                        Outcome::Counted(Pages { torn, read, .. }) => {
                            td.bad { (number(f64::from(*torn))) " torn of " (number(f64::from(*read))) }
                        },
                        Outcome::Unanswered(_) => td.bad { "not seen" },
                    }
                }
                @for _ in made.outcomes.len()..servers { td {} }
            }
            @for (who, words) in &words {
                tr.words { td colspan=(servers + 1) { (who) ": " code { (words) } } }
            }
        }
    }
}

/// The sites of the demos, each in a frame, and below them those of the counterparts, if they run.
pub(crate) fn sites(demos: &[Site], counterparts: &[Site]) -> Markup {
    html! {
        div.cells {
            @for (demo, site) in DEMOS.iter().zip(demos) { (frame(demo.name, demo.name, site)) }
            @for (demo, site) in DEMOS.iter().zip(counterparts) { (frame(demo.name, demo.counterpart.name, site)) }
        }
    }
}

fn frame(column: &str, name: &str, site: &Site) -> Markup {
    html! {
        article.col.(column) {
            p.where { @if name != column { b { (name) } " " } a href=(site.address) { (site.address) } }
            div.window { iframe src=(site.address) title={ "the site, served by " (name) } {} }
            @if let Some(folder) = &site.folder { p.where { "its files: " code { (folder) } } }
        }
    }
}

/// The names of the servers, in the order of an edit's outcomes.
fn names() -> impl Iterator<Item = &'static str> {
    DEMOS.iter().map(|demo| demo.name).chain(counterparts())
}

fn counterparts() -> impl Iterator<Item = &'static str> {
    DEMOS.iter().map(|demo| demo.counterpart.name)
}

/// The messages about an edit and their servers. A message that all demos have is shown once.
fn words(made: &Made) -> Vec<(&'static str, String)> {
    let words = |outcome: &Outcome| match outcome {
        Outcome::InForce(_) | Outcome::Kept => None,
        Outcome::Refused(_, words) | Outcome::Unanswered(words) => Some(words.clone()),
        Outcome::Counted(pages) => pages.words(),
    };
    let said = names().zip(&made.outcomes).filter_map(|(name, outcome)| Some((name, words(outcome)?)));
    let mut said: Vec<(&str, String)> = said.collect();
    let is_demo = |name: &str| DEMOS.iter().any(|demo| demo.name == name);
    let of_demos = said.iter().filter(|(name, _)| is_demo(name)).count();
    if of_demos == DEMOS.len() && said[..of_demos].iter().all(|(_, words)| *words == said[0].1) {
        said.drain(1..of_demos);
        said[0].0 = "all four";
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{one, switch};
    use crate::page::{
        edit::Edit,
        outcome::{Made, Outcome},
        torn::Pages,
    };
    use std::time::Duration;

    #[test]
    fn a_message_of_all_four_is_shown_once() {
        let refused = |words: &str| Outcome::Refused(Duration::from_millis(2), words.into());
        let made = |outcomes| Made { edit: Edit::BadValue, words: "<x>".into(), outcomes };
        let alike = one(&made((0..4).map(|_| refused("expected")).collect()), 4).into_string();
        assert!(alike.contains("all four: <code>expected</code>") && alike.contains("&lt;x&gt;"), "{alike}");
        assert_eq!(alike.matches("refused, 2.00\u{a0}ms").count(), 4);
        let mut outcomes: Vec<Outcome> = (0..3).map(|_| Outcome::InForce(Duration::from_millis(1))).collect();
        outcomes.push(refused("expected"));
        assert!(one(&made(outcomes), 4).into_string().contains("poem: <code>expected</code>"));
    }

    #[test]
    fn torn_pages_are_told_with_the_first_of_them() {
        let whole = Pages { read: 90, last_is_served: true, ..Pages::default() };
        let torn = Pages { torn: 7, first: Some("status 500".into()), ..whole.clone() };
        let stale = Pages { last_is_served: false, ..whole.clone() };
        let outcomes =
            [&whole, &whole, &whole, &whole, &torn, &stale].map(|pages| Outcome::Counted(pages.clone()));
        let made = Made { edit: Edit::Pieces, words: String::new(), outcomes: outcomes.into() };
        let shown = one(&made, 8).into_string();
        assert_eq!(shown.matches("<td class=\"good\">0 torn of 90</td>").count(), 5, "{shown}");
        assert!(shown.contains("<td class=\"bad\">7 torn of 90</td>"), "{shown}");
        assert!(shown.contains("gin: <code>the first torn page: status 500</code>"), "{shown}");
        assert!(shown.contains("fiber: <code>the last version was not served within 2s</code>"), "{shown}");
        assert_eq!(shown.matches("<td></td>").count(), 2, "columns without an outcome: {shown}");
    }

    #[test]
    fn a_switch_that_cannot_be_used_says_why() {
        let shown = switch(false, Some("Go is not installed")).into_string();
        assert!(shown.contains(" disabled") && shown.contains("Go is not installed"), "{shown}");
        let shown = switch(true, None).into_string();
        assert!(shown.contains(" checked") && !shown.contains(" disabled"), "{shown}");
    }
}
