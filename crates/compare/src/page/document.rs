//! The whole page.

use maud::{DOCTYPE, Markup, html};

use super::{
    demo::DEMOS,
    edit::Edit,
    figures::Figures,
    live::{self, Site},
    matrix, measured,
    minimal::minimal,
    outcome::Made,
};

/// The style sheet.
pub(crate) const STYLE: &str = include_str!("page.css");
pub(crate) const SCRIPT: &str = include_str!("page.js");

/// The sites at the top of the page.
pub(crate) enum Sites {
    /// The servers run and can be edited.
    Running {
        demos: Vec<Site>,
        /// Empty if they do not run.
        counterparts: Vec<Site>,
        /// The reason why the counterparts cannot run, if any.
        missing: Option<&'static str>,
        built: String,
    },
    /// A capture of the demos: how they were built, and the time.
    Captured { demos: Vec<Site>, built: String, at: String },
}

impl Sites {
    /// The number of servers.
    fn servers(&self) -> usize {
        match self {
            Sites::Running { demos, counterparts, .. } => demos.len() + counterparts.len(),
            Sites::Captured { demos, .. } => demos.len(),
        }
    }
}

/// The page, with the edits that were made so far.
pub(crate) fn document(sites: &Sites, made: &[Made], figures: &Figures) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "One site, four frameworks" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href="page.css";
                script src="page.js" defer {}
            }
            body {
                header {
                    h1 { "One site, four frameworks" }
                    p {
                        "The same files, functions and comments in axum, actix-web, warp and poem, so that what differs is \
                         the framework: running, in code, in figures."
                    }
                    nav aria-label="Parts" {
                        a href="#live" { "Live" }
                        a href="#code" { "Code" }
                        a href="#measured" { "Figures" }
                    }
                }
                main {
                    section #live aria-labelledby="live-title" {
                        h2 id="live-title" { "Live" }
                        (top(sites))
                        (live::edits(made, sites.servers()))
                    }
                    div.columns {
                        (picker())
                        (frames(sites))
                        section #code aria-labelledby="code-title" {
                            h2 id="code-title" { "Code" }
                            p.note {
                                "The smallest program first, then the demos' code of each concern, from the sources. A marked line \
                                 differs from axum's at its place."
                            }
                            nav.concerns aria-label="Concerns" {
                                a href="#code-minimal" { "minimal" }
                                @for concern in &super::concern::CONCERNS {
                                    a href={ "#code-" (concern.title) } { (concern.title) }
                                }
                                a href="#code-limits" { "limits" }
                            }
                            (minimal())
                            (matrix::concerns())
                        }
                    }
                    section #measured aria-labelledby="measured-title" {
                        h2 id="measured-title" { "Figures" }
                        p.note {
                            "Medians of several rounds, the servers in turn, never at once, on one machine; compare within a \
                             figure, not between machines. Colours pair a demo with its counterpart in Go, which is dashed."
                        }
                        (measured::figures(figures))
                    }
                }
                footer { p { "Made by " code { "compare" } ": " (made_by(sites)) "." } }
            }
        }
    }
}

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%23d9551c'%3E%3Crect x='1' y='3' width='3' height='10'/%3E%3Crect x='5' y='3' width='3' height='10'/%3E%3Crect x='9' y='3' width='3' height='10'/%3E%3Crect x='13' y='3' width='2' height='10'/%3E%3C/g%3E%3C/svg%3E";

fn top(sites: &Sites) -> Markup {
    html! {
        @match sites {
            Sites::Running { counterparts, missing, built, .. } => {
                p.note {
                    "Each server has its own copy of the configuration and the templates. A button saves the edit in one after \
                     the other, in place, and asks until an answer carries it (" (built) "). " b { (Edit::Pieces.title()) }
                    " pauses in each save and counts the pages that mix two versions, lack a value, or are an error."
                }
                (live::buttons())
                (live::switch(!counterparts.is_empty(), *missing))
            }
            Sites::Captured { built, at, .. } => p.note {
                "As they were " (at) " (" (built) "). " code { "cargo run -p compare" } " starts the four, with a row of buttons that \
                 makes edits like these."
            },
        }
    }
}

/// The frameworks: headings of the columns, or on a narrow screen a choice of the column to show.
fn picker() -> Markup {
    html! {
        fieldset.picker {
            legend { "Framework" }
            @for (nth, demo) in DEMOS.iter().enumerate() {
                label.(demo.name) {
                    input type="radio" name="framework" value=(demo.name) id={ "show-" (demo.name) } checked[nth == 0];
                    span { (demo.name) small { " " (demo.lines_of_code()) " lines" } }
                }
            }
        }
    }
}

fn frames(sites: &Sites) -> Markup {
    match sites {
        Sites::Running { demos, counterparts, .. } => live::sites(demos, counterparts),
        Sites::Captured { demos, .. } => live::sites(demos, &[]),
    }
}

fn made_by(sites: &Sites) -> Markup {
    match sites {
        Sites::Running { .. } => {
            html! { code { "cargo run -p compare" } ", " code { "compare export DIR" } " writes it as files" }
        }
        Sites::Captured { .. } => html! { code { "compare export DIR" } },
    }
}
