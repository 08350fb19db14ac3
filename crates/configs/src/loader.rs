//! From layers to a checked value.

use std::path::Path;
use std::sync::Arc;

use filewatch::Files;
use serde::de::DeserializeOwned;

use crate::callbacks::catch_panic;
use crate::canary::Canary;
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
use crate::source::SourceText;
use crate::source_map::SourceMaps;
use crate::sources::{Choice, Document, Read, Sources};
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
    /// The name of this process among all that read the same source.
    pub(crate) instance: Option<String>,
}

/// Which versions of the sources' texts an attempt takes.
#[derive(Clone, Copy)]
pub(crate) struct Versions {
    pub(crate) choice: Choice,
    /// True: with the canaries to whose share this process belongs.
    pub(crate) canaries: bool,
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

/// The texts that an attempt took from the sources.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    /// The texts, in the order of the sources.
    pub(crate) texts: Vec<SourceText>,
    /// True if a canary is among them that counts for this process.
    pub(crate) has_canary: bool,
}

const PANICKED: &str = "the code of the settings' own type panicked";

impl<T: DeserializeOwned> Loader<T> {
    /// Reads all layers, then makes and checks the value. `runtime` are the values that were set at run time; `parts` becomes
    /// what was taken from the sources. No diagnosis repeats a secret of the layers or of `current`.
    pub(crate) fn candidate(
        &mut self,
        files: &mut Files<'_>,
        runtime: Option<Node>,
        versions: Versions,
        current: Option<&Effective>,
        parts: &mut Parts,
    ) -> Result<Candidate<T>, Diagnosis> {
        // All files are read before one is parsed: only a file that was read is watched.
        let mut warnings = Vec::new();
        let mut read = self.sources.read(files, versions.choice, current.is_none(), &mut warnings)?;
        parts.texts = std::mem::take(&mut read.texts);
        let mut sources = SourceMaps::new();
        let mut root = self.merged(read, runtime, versions.canaries, &mut sources, &mut parts.has_canary)?;
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

    /// All layers as one tree. `has_canary` becomes true if a canary counts for this process.
    fn merged(
        &self,
        read: Read,
        runtime: Option<Node>,
        canaries: bool,
        sources: &mut SourceMaps,
        has_canary: &mut bool,
    ) -> Result<Node, Diagnosis> {
        let mut layers = Vec::new();
        if let Some(text) = self.defaults {
            let (mut defaults, _) = yaml::parse(text, None)?;
            self.secrets.redirect(&mut defaults, Path::new(""))?;
            layers.push(defaults);
        }
        let mut problems = Vec::new();
        for document in read.documents {
            match self.layer(&document, canaries, sources, has_canary) {
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

    fn layer(
        &self,
        document: &Document,
        canaries: bool,
        sources: &mut SourceMaps,
        has_canary: &mut bool,
    ) -> Result<Node, Problem> {
        let (mut layer, map) = format::parse(document.text()?, document.format, &document.path)?;
        sources.insert(document.path.clone(), map);
        let canary = if document.is_remote { Canary::take(&mut layer)? } else { None };
        self.secrets.redirect(&mut layer, document.folder())?;
        let is_meant = |canary: &Canary| self.instance.as_deref().is_some_and(|name| canary.includes(name));
        let Some(mut canary) = canary.filter(|canary| canaries && is_meant(canary)) else {
            return Ok(layer);
        };
        *has_canary = true;
        self.secrets.redirect(canary.config(), document.folder())?;
        Ok(canary.over(layer))
    }

    /// The layer of a `.env` file; nothing if no variable in it counts.
    fn variables(
        &self,
        source: &Document,
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
