//! One compiled set of templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult, Value};

use crate::error::Error;
use crate::leash;
use crate::page::Page;
use crate::sources::Sources;
use crate::weave::{STEP, Woven};

/// One set of templates that compiled as a whole.
///
/// A template's name is its path below the folder, with `/` between the parts: `parts/head.html`.
pub struct Templates {
    engine: Tera,
    folder: PathBuf,
    sources: Sources,
    woven: BTreeMap<String, Woven>,
    version: u64,
}

impl Templates {
    /// Which accepted set this is, counted from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The names of the templates, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.names()
    }

    /// Renders the template `name`; the fields of `context`, a struct or a map, are its variables.
    ///
    /// Values are HTML-escaped. A page has at most [`PAGE_LIMIT`](crate::PAGE_LIMIT) bytes, takes at most
    /// [`STEP_LIMIT`](crate::STEP_LIMIT) steps and nests within 1.5 MiB of stack; over that is an error, so a loop
    /// that runs away ends. The limits count work, not time: what the trial let through is not refused later because
    /// the machine was busy.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String, Error> {
        if !self.sources.contains(name) {
            return Err(Error::unknown_template(&self.folder, name, self.names()));
        }
        let variables = Context::from_serialize(context).map_err(|error| Error::from_context(&error))?;
        let mut page = Page::new();
        leash::begin();
        match self.engine.render_to(name, &variables, &mut page) {
            Ok(()) => Ok(page.into_string()),
            Err(error) => Err(Error::from_render(&self.folder, &self.woven, name, leash::excess(), &error)
                .with_available(|| names(context))),
        }
    }

    /// Compiles `sources` as a whole.
    pub(crate) fn compile(folder: &Path, sources: Sources, version: u64) -> Result<Templates, Error> {
        let mut woven = sources.woven(folder)?;
        let mut engine = Tera::default();
        engine.autoescape_on([".html"]);
        engine.register_function(STEP, step);
        engine
            .add_raw_templates(woven.iter().map(|(name, woven)| (name, &woven.text)))
            .map_err(|error| Error::from_compile(folder, &sources, &woven, &error))?;
        // The engine has it now; what is kept is where the calls are.
        for woven in woven.values_mut() {
            woven.text = String::new();
        }
        Ok(Templates { engine, folder: folder.to_owned(), sources, woven, version })
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
}

/// What the woven calls call: writes nothing.
fn step(_: Kwargs, _: &State<'_>) -> TeraResult<String> {
    leash::step().map(|()| String::new()).map_err(|excess| tera::Error::message(excess.words()))
}

/// The names of the variables in `context`.
fn names(context: &impl Serialize) -> Vec<String> {
    let variables = Value::try_from_serializable(context).ok().and_then(Value::into_map).unwrap_or_default();
    let mut names: Vec<String> = variables.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect();
    names.sort_unstable();
    names
}
