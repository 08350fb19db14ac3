//! From layers to a checked value.

use std::path::Path;
use std::sync::Arc;

use filewatch::Files;
use serde::de::DeserializeOwned;

use crate::callbacks::catch_panic;
use crate::de::NodeDeserializer;
use crate::diagnosis::Diagnosis;
use crate::dotenv;
use crate::effective::Effective;
use crate::format;
use crate::layers::{Override, merge, overridden};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::redactor::Redactor;
use crate::runtime::Runtime;
use crate::secrets::Secrets;
use crate::source_map::SourceMaps;
use crate::sources::{Read, Source, Sources};
use crate::tree::{Mark, Node};
use crate::yaml;

/// The layers of a value and its checks.
pub(crate) struct Loader<T> {
    pub(crate) sources: Sources,
    pub(crate) defaults: Option<&'static str>,
    /// The prefix of the variables in `.env` that count.
    pub(crate) dotenv: Option<String>,
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
    /// Reads all layers, then makes and checks the value. `runtime` are the values that were set at run time. No diagnosis repeats a secret of the layers or of `current`.
    pub(crate) fn candidate(
        &mut self,
        files: &mut Files<'_>,
        runtime: Option<Node>,
        current: Option<&Effective>,
    ) -> Result<Candidate<T>, Diagnosis> {
        // All files are read before one is parsed: only a file that was read is watched.
        let mut warnings = Vec::new();
        let read = self.sources.read(files, current.is_none(), &mut warnings)?;
        let mut sources = SourceMaps::new();
        let mut root = self.merged(read, runtime, &mut sources)?;
        self.secrets.resolve(&mut root, files).map_err(Diagnosis::new)?;
        let root = Arc::new(root);
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

    /// The values that are set at run time: none so far.
    pub(crate) fn runtime(&self) -> Runtime {
        let flags = self.assignments.iter().map(|flag| (flag.path.join("."), flag.key.origin.clone()));
        Runtime::new(self.secrets.clone(), flags.collect())
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

    fn merged(&self, read: Read, runtime: Option<Node>, sources: &mut SourceMaps) -> Result<Node, Diagnosis> {
        let mut layers = Vec::new();
        if let Some(text) = self.defaults {
            let (mut defaults, _) = yaml::parse(text, None)?;
            self.secrets.redirect(&mut defaults, Path::new(""))?;
            layers.push(defaults);
        }
        let mut problems = Vec::new();
        for source in read.files {
            match self.layer(&source, sources) {
                Ok(layer) => layers.push(layer),
                Err(problem) => problems.push(problem),
            }
        }
        if let Some((source, prefix)) = read.dotenv.zip(self.dotenv.as_deref()) {
            match self.variables(&source, prefix, sources) {
                Ok(layer) => layers.extend(layer),
                Err(found) => problems.extend(found),
            }
        }
        layers.extend(self.overridden(&self.environment)?);
        layers.extend(runtime);
        layers.extend(self.overridden(&self.assignments)?);
        if !problems.is_empty() {
            return Err(Diagnosis::new(problems));
        }
        let empty = Node::map(Vec::new(), Mark::of(Origin::Default));
        Ok(layers.into_iter().reduce(merge).unwrap_or(empty))
    }

    fn overridden(&self, overrides: &[Override]) -> Result<Option<Node>, Problem> {
        let mut layer = overridden(overrides)?;
        if let Some(layer) = &mut layer {
            self.secrets.redirect(layer, Path::new(""))?;
        }
        Ok(layer)
    }

    fn layer(&self, source: &Source, sources: &mut SourceMaps) -> Result<Node, Problem> {
        let (mut layer, map) = format::parse(source.text()?, &source.path)?;
        sources.insert(source.path.clone(), map);
        self.secrets.redirect(&mut layer, source.folder())?;
        Ok(layer)
    }

    /// The layer of a `.env` file; nothing if no variable in it counts.
    fn variables(
        &self,
        source: &Source,
        prefix: &str,
        sources: &mut SourceMaps,
    ) -> Result<Option<Node>, Vec<Problem>> {
        let text = source.text().map_err(|problem| vec![problem])?;
        let (variables, map) = dotenv::parse(text, &source.path, prefix)?;
        sources.insert(source.path.clone(), map);
        let mut layer = overridden(&variables).map_err(|problem| vec![problem])?;
        if let Some(layer) = &mut layer {
            self.secrets.redirect(layer, source.folder()).map_err(|problem| vec![problem])?;
        }
        Ok(layer)
    }
}
