//! The top of the page: the four sites, and the edits that were made in them.

use maud::{Markup, html};

use super::{
    demo::DEMOS,
    demo_runner::{Made, Outcome},
    edit::Edit,
    number::milliseconds,
};

/// One site, as the page shows it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The content of its frame.
    pub(crate) address: String,
    /// The folder with its configuration and templates, if they can be edited.
    pub(crate) folder: Option<String>,
}

/// The buttons.
pub(crate) fn buttons() -> Markup {
    html! {
        div.buttons role="group" aria-label="Edits" {
            @for edit in Edit::ALL { button type="button" data-edit=(edit.name()) { (edit.title()) } }
        }
        p.status role="status" data-status {}
        noscript { p { "The buttons need the page's script; the folders below can be edited by hand." } }
    }
}

/// The edits so far, the newest first.
pub(crate) fn edits(made: &[Made]) -> Markup {
    html! {
        table.edits data-edits hidden[made.is_empty()] {
            caption { "From the beginning of the save to the first answer that shows it" }
            thead { tr { th scope="col" { "edit" } @for demo in &DEMOS { th scope="col" { (demo.name) } } } }
            @for made in made.iter().rev() { (one(made)) }
        }
    }
}

/// One edit, as a body of the table.
pub(crate) fn one(made: &Made) -> Markup {
    let words = words(made);
    html! {
        tbody {
            tr {
                th scope="row" { (made.edit.title()) @if !made.words.is_empty() { " " code { (made.words) } } }
                @for outcome in &made.outcomes {
                    @match outcome {
                        Outcome::InForce(after) => td.good { (milliseconds(*after)) },
                        Outcome::Refused(after, _) => td.refused { "refused, " (milliseconds(*after)) },
                        Outcome::Unanswered(_) => td.bad { "not seen" },
                    }
                }
            }
            @for (who, words) in &words {
                tr.words { td colspan=(DEMOS.len() + 1) { (who) ": " code { (words) } } }
            }
        }
    }
}

/// The sites, each in a frame.
pub(crate) fn sites(sites: &[Site]) -> Markup {
    html! {
        div.cells {
            @for (demo, site) in DEMOS.iter().zip(sites) {
                article.col.(demo.name) {
                    p.where { a href=(site.address) { (site.address) } }
                    div.window { iframe src=(site.address) title={ "the site, served by " (demo.name) } {} }
                    @if let Some(folder) = &site.folder { p.where { "its files: " code { (folder) } } }
                }
            }
        }
    }
}

/// The messages about an edit and their demos. Equal messages are shown once.
fn words(made: &Made) -> Vec<(&'static str, &str)> {
    let said: Vec<(&'static str, &str)> = DEMOS
        .iter()
        .zip(&made.outcomes)
        .filter_map(|(demo, outcome)| match outcome {
            Outcome::InForce(_) => None,
            Outcome::Refused(_, words) | Outcome::Unanswered(words) => Some((demo.name, words.as_str())),
        })
        .collect();
    match said.first() {
        Some((_, words)) if said.len() == DEMOS.len() && said.iter().all(|(_, other)| other == words) => {
            vec![("all four", words)]
        }
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::one;
    use crate::page::{
        demo_runner::{Made, Outcome},
        edit::Edit,
    };
    use std::time::Duration;

    #[test]
    fn what_all_say_is_said_once() {
        let refused = |words: &str| Outcome::Refused(Duration::from_millis(2), words.into());
        let made = |outcomes| Made { edit: Edit::BadValue, words: "<x>".into(), outcomes };
        let alike = one(&made((0..4).map(|_| refused("expected")).collect())).into_string();
        assert!(alike.contains("all four: <code>expected</code>") && alike.contains("&lt;x&gt;"), "{alike}");
        assert_eq!(alike.matches("refused, 2.00\u{a0}ms").count(), 4);
        let mut outcomes: Vec<Outcome> = (0..3).map(|_| Outcome::InForce(Duration::from_millis(1))).collect();
        outcomes.push(refused("expected"));
        assert!(one(&made(outcomes)).into_string().contains("poem: <code>expected</code>"));
    }
}
