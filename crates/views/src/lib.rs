//! Templates that always compile.
//!
//! [`Views`] compiles the templates `**/*.html` of a folder and watches the folder: after a save, the next rendering is new. A
//! set of templates is put in force as a whole. It must compile as a whole and pass the caller's trial, which renders the page with
//! the values in force.
//!
//! ```
//! use std::collections::BTreeMap;
//! use filewatch::RebuildLock;
//! use views::Views;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("index.html"), "<h1>{{ greeting }}, world</h1>")?;
//!
//! let page = BTreeMap::from([("greeting", "Hello & welcome")]);
//! let trial = page.clone();
//! let views = Views::open(folder.path(), &RebuildLock::new(), move |templates| {
//!     templates.render("index.html", &trial).map(drop)
//! })?;
//!
//! let templates = views.snapshot(); // one for a request, and it stays as it is
//! assert_eq!(templates.render("index.html", &page)?, "<h1>Hello &amp; welcome, world</h1>");
//!
//! // An unknown variable: an error at the start, a rejected edit later.
//! std::fs::write(folder.path().join("index.html"), "<h1>\n{{ farewell }}</h1>")?;
//! let error = Views::open(folder.path(), &RebuildLock::new(), move |templates| {
//!     templates.render("index.html", &page).map(drop)
//! });
//! let error = error.err().ok_or("it is refused")?;
//! assert!(error.message().ends_with(
//!     "index.html:2:4: variable `farewell` is not defined; available variables: greeting"
//! ));
//! assert_eq!(error.public(), "index.html:2:4: the page cannot be rendered");
//! # Ok(())
//! # }
//! ```
//!
//! # The invariant
//!
//! *The set in force has compiled and passed the trial.* A bad edit changes neither the templates nor their version. It causes an
//! [`Event::Rejected`] with the template, the line, the column and what was expected. A reader keeps the set that it took.
//!
//! Rendering always ends, and its memory is bounded. The engine alone has no limits. A loop runs for hours, includes overflow
//! the stack, and 1 KB of `{% set x = x ~ x %}` takes all memory. So every template is compiled with calls in it that count the
//! work (`instrument`, `expression`). A page has at most 8 MiB and 250,000 steps, and nests within 1.5 MiB of stack. It makes
//! no value over 1 MiB, and handles at most 32 MiB of values and text. A folder has at most 1,024 templates of at most 1 MiB
//! each, and a template extends at most 50 others. In a test with 33 templates that exceed a limit, the slowest was refused
//! after 1.7 s (debug build, 2 cores with a load of 19).
//!
//! Symlinks in the folder are followed, also to places outside of it, such as `x.html -> /etc/passwd`. So a user who may write
//! in the folder may show every file that the server may read. A symlink that leads to more than 20,000 files and folders, such
//! as `root -> /`, is refused by name. More than 16 MiB of templates together are refused, too.
//!
//! # What it deliberately does not do
//!
//! - It does not know what the page needs. The trial finds a missing `index.html` or an unknown variable. It cannot find an error that only
//!   another value shows (`{% if flag %}{{ unknown }}{% endif %}`): render again before that value is in force.
//! - It does not try the templates again when the values change. Call [`Views::reload`] when a rejected set may be good now.
//! - No type of Tera is in its interface.

mod budget;
mod compiler;
mod error;
mod event;
mod expression;
mod filters;
mod go_syntax;
mod instrument;
mod output;
mod position;
mod references;
mod report;
mod scan;
mod sources;
mod tag;
mod templates;
mod token;
mod views;

pub use budget::{PAGE_LIMIT, STEP_LIMIT, VALUE_LIMIT, WORK_LIMIT};
pub use error::Error;
pub use event::Event;

pub use templates::Templates;
pub use views::Views;
