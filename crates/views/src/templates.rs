//! One compiled set of templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tera::{Context, Tera, Value};

use crate::budget;
use crate::error::Error;
use crate::filters;
use crate::instrument::Instrumented;
use crate::output::Output;
use crate::references;
use crate::sources::Sources;

/// One set of templates that compiled as a whole.
///
/// A template's name is its path below the folder, with `/` between the parts: `parts/head.html`.
pub struct Templates {
    engine: Tera,
    folder: PathBuf,
    sources: Sources,
    instrumented: BTreeMap<String, Instrumented>,
    version: u64,
}

impl Templates {
    /// The number of this set among the accepted ones, from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The names of the templates, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.names()
    }

    /// Renders the template `name`. The fields of `context`, a struct or a map, are its variables.
    ///
    /// Values are HTML-escaped. A page has at most [`PAGE_LIMIT`](crate::PAGE_LIMIT) bytes, takes at most
    /// [`STEP_LIMIT`](crate::STEP_LIMIT) steps, and nests within 1.5 MiB of stack. It handles at most
    /// [`WORK_LIMIT`](crate::WORK_LIMIT) bytes of values, none of them over [`VALUE_LIMIT`](crate::VALUE_LIMIT). More is an
    /// error. The limits count work and not time: a page that the trial accepted is not refused later because the machine was
    /// busy.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String, Error> {
        if !self.sources.contains(name) {
            return Err(Error::unknown_template(&self.folder, name, self.names()));
        }
        let variables = Context::from_serialize(context).map_err(|error| Error::from_context(&error))?;
        let mut page = Output::new();
        budget::begin();
        match self.engine.render_to(name, &variables, &mut page) {
            Ok(()) => Ok(page.into_string()),
            Err(error) => {
                Err(Error::from_render(&self.folder, &self.instrumented, name, budget::exceeded(), &error)
                    .with_available(|| names(context)))
            }
        }
    }

    /// Compiles `sources` as a whole.
    pub(crate) fn compile(folder: &Path, sources: Sources, version: u64) -> Result<Templates, Error> {
        let mut instrumented = sources.instrumented(folder)?;
        let mut engine = engine();
        let unknown = references::unknown(&sources.texts(folder)?, &engine);
        if let Some(error) = unknown.and_then(|unknown| Error::from_unknown(folder, unknown)) {
            return Err(error);
        }
        let added = instrumented.iter().map(|(name, template)| (name, &template.text));
        if let Err(error) = engine.add_raw_templates(added) {
            // The message must quote the text as it was written.
            let original = self::engine().add_raw_templates(sources.texts(folder)?).err();
            let instrumented = if original.is_some() { BTreeMap::new() } else { instrumented };
            return Err(Error::from_compile(folder, &sources, &instrumented, &original.unwrap_or(error)));
        }
        // The engine has the text now. Only the positions of the calls are still needed.
        for template in instrumented.values_mut() {
            template.text = String::new();
        }
        Ok(Templates { engine, folder: folder.to_owned(), sources, instrumented, version })
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
}

fn engine() -> Tera {
    let mut engine = Tera::default();
    engine.autoescape_on([".html"]);
    filters::register(&mut engine);
    engine
}

/// The names of the variables in `context`.
fn names(context: &impl Serialize) -> Vec<String> {
    let variables = Value::try_from_serializable(context).ok().and_then(Value::into_map).unwrap_or_default();
    let mut names: Vec<String> = variables.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect();
    names.sort_unstable();
    names
}
