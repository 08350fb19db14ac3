//! The concerns of a web server, and the code for each of them in every demo.

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::{
    demo::{DEMOS, Demo},
    source::{self, Passage},
};

/// One row of the page.
pub(crate) struct Concern {
    /// Its name, a single word.
    pub(crate) title: &'static str,
    /// A hint for the reader.
    pub(crate) note: &'static str,
    parts: &'static [Part],
}

enum Part {
    /// An item of a file, in every demo.
    Item(&'static str, &'static str),
    /// All of a file but its imports.
    File(&'static str),
    /// For each demo, files and lines: from the line with the first text to the line with the last one.
    Lines([&'static [(&'static str, &'static str, &'static str)]; 4]),
}

/// One demo's code for a concern.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) excerpts: Vec<Excerpt>,
    /// The number of its lines that the first demo does not have.
    pub(crate) differing: usize,
}

/// Consecutive lines of one file.
#[derive(Debug)]
pub(crate) struct Excerpt {
    pub(crate) file: &'static str,
    pub(crate) passage: Passage<'static>,
    /// For each line, whether it is missing in the first demo.
    pub(crate) differs: Vec<bool>,
}

pub(crate) const CONCERNS: [Concern; 11] = [
    Concern {
        title: "start",
        note: "From a listening socket to a server. Three are HTTP services, served by one driver. actix-web keeps its own \
               server.",
        parts: &[Part::Item("server.rs", "serve")],
    },
    Concern {
        title: "state",
        note: "The state of the handlers, and the extractor of the request's configuration.",
        parts: &[
            Part::Lines([
                &[("routes.rs", ".with_state(", ".with_state(")],
                &[("middleware.rs", ".app_data(site)", ".app_data(site)")],
                &[("routes.rs", "let state = ", "let state = ")],
                &[("middleware.rs", ".data(site.clone())", ".data(site.clone())")],
            ]),
            Part::File("config.rs"),
        ],
    },
    Concern { title: "routes", note: "The table of routes.", parts: &[Part::Item("routes.rs", "routes")] },
    Concern {
        title: "HTML",
        note: "The page, rendered for each request. The template is the same for all four.",
        parts: &[Part::Item("routes.rs", "index")],
    },
    Concern {
        title: "JSON",
        note: "A document with a validator: a client that has it gets 304 without a body.",
        parts: &[Part::Item("routes.rs", "dynamic_config"), Part::Item("middleware.rs", "etag")],
    },
    Concern {
        title: "events",
        note: "A stream that does not end by itself.",
        parts: &[Part::Item("routes.rs", "events"), Part::Item("routes.rs", "frame")],
    },
    Concern {
        title: "database",
        note: "A connection of the pool that follows the settings, as an argument of the handler.",
        parts: &[Part::File("database.rs"), Part::Item("routes.rs", "database")],
    },
    Concern {
        title: "errors",
        note: "The site's error as a response: status, headers, and a plain sentence.",
        parts: &[Part::File("failure.rs")],
    },
    Concern {
        title: "middleware",
        note: "The framework's own middleware, the admission around every request, and the guard around some routes.",
        parts: &[
            Part::Item("middleware.rs", "around"),
            Part::Item("middleware.rs", "admission"),
            Part::Item("middleware.rs", "guard"),
        ],
    },
    Concern {
        title: "operations",
        note: "The operational routes: bytes from the site, by one handler, and a value that is set at run time.",
        parts: &[
            Part::Item("operations.rs", "operations"),
            Part::Item("operations.rs", "mount"),
            Part::Item("operations.rs", "override_key"),
            Part::Item("operations.rs", "respond"),
        ],
    },
    Concern {
        title: "shutdown",
        note: "`lifecycle` drains all four: answers close their connections, then the linger, then the deadline. It has a \
               driver for services on hyper and one for actix-web's server.",
        parts: &[Part::Lines([
            &[("server.rs", "lifecycle::serve(", ".await")],
            &[("server.rs", "actix::serve(", ".await")],
            &[("server.rs", "lifecycle::serve(", ".await")],
            &[("server.rs", "lifecycle::serve(", ".await")],
        ])],
    },
];

impl Concern {
    /// The code of every demo.
    ///
    /// # Panics
    /// When a demo's source does not match this list. A test checks that.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        for (column, demo) in DEMOS.iter().enumerate() {
            let excerpts = self.parts.iter().flat_map(|part| part.excerpts(column, demo)).collect();
            let mut cell = Cell { excerpts, differing: 0 };
            if let Some(first) = cells.first() {
                cell.compare_with(first);
            }
            cells.push(cell);
        }
        cells
    }
}

impl Part {
    fn excerpts(&self, column: usize, demo: &'static Demo) -> Vec<Excerpt> {
        let found: Vec<(&'static str, Option<Passage<'static>>)> = match self {
            Part::Item(file, name) => vec![(file, source::item(demo.source(file), name))],
            Part::File(file) => vec![(file, source::below_the_imports(demo.source(file)))],
            Part::Lines(of_each) => of_each[column]
                .iter()
                .map(|(file, from, to)| (*file, source::lines(demo.source(file), from, to)))
                .collect(),
        };
        let found = found.into_iter().map(|(file, passage)| Excerpt {
            file,
            passage: passage.expect("the sources are as the list of concerns has them"),
            differs: Vec::new(),
        });
        found.collect()
    }
}

impl Cell {
    /// Marks the lines that the other does not have. Indentation does not count.
    fn compare_with(&mut self, first: &Cell) {
        let differs = differing(&first.lines(), &self.lines());
        self.differing = differs.iter().filter(|differs| **differs).count();
        let mut differs = differs.into_iter();
        for excerpt in &mut self.excerpts {
            excerpt.differs = differs.by_ref().take(excerpt.passage.text.lines().count()).collect();
        }
    }

    fn lines(&self) -> Vec<&'static str> {
        self.excerpts.iter().flat_map(|excerpt| excerpt.passage.text.lines().map(str::trim)).collect()
    }
}

/// For each of the `other` lines, whether the first does not have it at its place.
fn differing(first: &[&str], other: &[&str]) -> Vec<bool> {
    let mut differs = vec![false; other.len()];
    for change in capture_diff_slices(Algorithm::Patience, first, other) {
        if matches!(change.tag(), DiffTag::Insert | DiffTag::Replace) {
            differs[change.new_range()].fill(true);
        }
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::{CONCERNS, differing};
    use crate::page::demo::DEMOS;

    #[test]
    fn every_concern_has_code_in_every_demo() {
        for concern in &CONCERNS {
            let cells = concern.cells();
            assert_eq!(cells.len(), DEMOS.len());
            for (cell, demo) in cells.iter().zip(&DEMOS) {
                assert!(!cell.excerpts.is_empty(), "{} of {}", concern.title, demo.name);
                for excerpt in &cell.excerpts {
                    let at = demo.source(excerpt.file).lines().nth(excerpt.passage.line - 1);
                    assert_eq!(at, excerpt.passage.text.lines().next(), "{} of {}", concern.title, demo.name);
                }
            }
        }
    }

    #[test]
    fn the_lines_that_the_first_has_not_are_marked() {
        let first = ["use a;", "fn x() {", "1", "}"];
        assert_eq!(differing(&first, &["use a;", "fn x() {", "2", "}"]), [false, false, true, false]);
        assert_eq!(differing(&first, &first), [false; 4]);
        assert_eq!(differing(&first, &["fn x() {", "1", "}"]), [false; 3], "what is missing marks nothing");
    }

    #[test]
    fn the_first_column_is_the_measure_and_the_others_differ() {
        for concern in &CONCERNS {
            let cells = concern.cells();
            assert_eq!(cells[0].differing, 0, "{}", concern.title);
            assert!(cells[1..].iter().any(|cell| cell.differing > 0), "{}", concern.title);
        }
    }
}
