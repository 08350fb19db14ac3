//! From layers to a checked value.

use std::path::Path;
use std::sync::Arc;

use filewatch::{Files, ReadError};
use serde::de::DeserializeOwned;

use crate::callbacks::catch_panic;
use crate::de::NodeDeserializer;
use crate::diagnosis::Diagnosis;
use crate::effective::Effective;
use crate::format;
use crate::layers::{Override, merge, overridden};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::redactor::Redactor;
use crate::secrets::Secrets;
use crate::source_map::SourceMaps;
use crate::sources::{Source, Sources};
use crate::tree::{Mark, Node};
use crate::yaml;

/// The layers of a value and its checks.
pub(crate) struct Loader<T> {
    pub(crate) sources: Sources,
    pub(crate) defaults: Option<&'static str>,
    pub(crate) environment: Vec<Override>,
    pub(crate) assignments: Vec<Override>,
    pub(crate) secrets: Secrets,
    pub(crate) unknown_keys: UnknownKeys,
    pub(crate) checks: Vec<Check<T>>,
}

/// The effect of an unknown key in a file. Unknown keys that begin with `x-` are always ignored. An override that names no
/// key is always an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownKeys {
    /// It is an error.
    #[default]
    Deny,
    /// It is ignored, and logged once, without its value.
    Warn,
}

/// A check of the whole value, with the name under which its panic is reported.
pub(crate) struct Check<T> {
    pub(crate) name: String,
    pub(crate) run: Run<T>,
}

type Run<T> = Box<dyn Fn(&T, &Redactor) -> Vec<Problem> + Send>;

/// A valid value that is not in force yet.
pub(crate) struct Candidate<T> {
    pub(crate) value: T,
    pub(crate) effective: Effective,
    pub(crate) redactor: Redactor,
    pub(crate) warnings: Vec<String>,
}

const PANICKED: &str = "the code of the settings' own type panicked";

impl<T: DeserializeOwned> Loader<T> {
    /// Reads all layers, then makes and checks the value. No diagnosis repeats a secret of the layers or of `current`.
    pub(crate) fn candidate(
        &mut self,
        files: &mut Files<'_>,
        current: Option<&Effective>,
    ) -> Result<Candidate<T>, Diagnosis> {
        // All files are read before one is parsed: only a file that was read is watched.
        let mut warnings = Vec::new();
        let read = self.sources.read(files, current.is_none(), &mut warnings)?;
        let mut sources = SourceMaps::new();
        let mut root = self.merged(read, &mut sources)?;
        self.secrets.resolve(&mut root, files).map_err(Diagnosis::new)?;
        let former = current.map(Effective::secrets).unwrap_or_default();
        let mut redactor = Redactor::new(&root, &self.secrets, sources, former);

        let reading = Reading::new(&redactor);
        let node = NodeDeserializer::root(&root, &reading);
        let value = catch_panic(|| T::deserialize(&node).map_err(|error| node.settle(error)))
            .unwrap_or_else(|| Err((Box::new(Problem::plain(PANICKED)), false)));
        let read = reading.results();

        let (refused, tolerated): (Vec<_>, Vec<_>) = read
            .unknown
            .into_iter()
            .partition(|unknown| unknown.is_override || self.unknown_keys == UnknownKeys::Deny);
        let mut problems: Vec<Problem> = refused.into_iter().map(|unknown| unknown.problem).collect();
        let value = match value {
            Ok(value) if problems.is_empty() => value,
            Ok(_) => return Err(Diagnosis::new(problems)),
            // The unknown key is most likely the missing one, misspelt.
            Err((_, true)) if !problems.is_empty() => return Err(Diagnosis::new(problems)),
            Err((problem, _)) => {
                problems.push(*problem);
                return Err(Diagnosis::new(problems));
            }
        };
        redactor.declare(read.declared);
        self.check(&value, &redactor)?;
        warnings.extend(tolerated.iter().map(|unknown| unknown.problem.sentence()));
        Ok(Candidate { value, effective: read.effective, redactor, warnings })
    }

    /// Runs all checks. Returns all problems at once, in the order of the files' lines.
    fn check(&self, value: &T, redactor: &Redactor) -> Result<(), Diagnosis> {
        let run = |check: &Check<T>| {
            catch_panic(|| (check.run)(value, redactor))
                .unwrap_or_else(|| vec![Problem::plain(format!("the check `{}` panicked", check.name))])
        };
        let mut problems: Vec<Problem> = self.checks.iter().flat_map(run).collect();
        problems.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { line, column, .. }) => (*line, *column),
            _ => (u64::MAX, 0),
        });
        if problems.is_empty() { Ok(()) } else { Err(Diagnosis::new(problems)) }
    }

    fn merged(&self, read: Vec<Source>, sources: &mut SourceMaps) -> Result<Node, Diagnosis> {
        let mut layers = Vec::new();
        if let Some(text) = self.defaults {
            let (mut defaults, _) = yaml::parse(text, None, "YAML")?;
            self.secrets.redirect(&mut defaults, Path::new(""))?;
            layers.push(defaults);
        }
        let mut problems = Vec::new();
        for Source { path, content } in read {
            match self.layer(&path, content, sources) {
                Ok(layer) => layers.push(layer),
                Err(problem) => problems.push(problem),
            }
        }
        for overrides in [&self.environment, &self.assignments] {
            if let Some(mut layer) = overridden(overrides)? {
                self.secrets.redirect(&mut layer, Path::new(""))?;
                layers.push(layer);
            }
        }
        if !problems.is_empty() {
            return Err(Diagnosis::new(problems));
        }
        let empty = Node::map(Vec::new(), Mark::of(Origin::Default));
        Ok(layers.into_iter().reduce(merge).unwrap_or(empty))
    }

    fn layer(
        &self,
        path: &Path,
        content: Result<Arc<[u8]>, ReadError>,
        sources: &mut SourceMaps,
    ) -> Result<Node, Problem> {
        let bytes = content.map_err(|error| {
            let problem = Problem::plain(error.to_string()).public_message("the file cannot be read");
            problem.at(Origin::whole(path))
        })?;
        let text =
            std::str::from_utf8(&bytes).map_err(|error| yaml::not_utf8(&bytes, error.valid_up_to(), path))?;
        let (mut layer, source) = format::parse(text, path)?;
        sources.insert(path.to_owned(), source);
        self.secrets.redirect(&mut layer, path.parent().unwrap_or(Path::new("")))?;
        Ok(layer)
    }
}
