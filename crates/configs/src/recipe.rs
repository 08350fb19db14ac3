//! From layers to a value.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use filewatch::{Files, ReadError};

use crate::builder::UnknownKeys;
use crate::configs::Configurable;
use crate::diagnosis::{Diagnosis, Problem, Rejection};
use crate::effective::Effective;
use crate::evidence::Evidence;
use crate::layers::{Override, merge, overridden};
use crate::origin::{Origin, Provenance};
use crate::page::Pages;
use crate::reading::Reading;
use crate::secrets::Secrets;
use crate::tree::{Mark, Node, Value};
use crate::yaml;

/// Everything that the builder was told about the value.
pub(crate) struct Recipe<T> {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) defaults: Option<&'static str>,
    pub(crate) environment: Vec<Override>,
    pub(crate) assignments: Vec<Override>,
    pub(crate) secrets: Secrets,
    pub(crate) unknown_keys: UnknownKeys,
    pub(crate) rules: Vec<Rule<T>>,
}

pub(crate) type Rule<T> = Box<dyn Fn(&T, &Provenance) -> Vec<Rejection> + Send>;

/// A valid value that is not in force yet.
pub(crate) struct Candidate<T> {
    pub(crate) value: T,
    pub(crate) effective: Effective,
    pub(crate) evidence: Evidence,
    pub(crate) warnings: Vec<String>,
}

/// How large a configuration file may be: 1 MiB.
const LARGEST: u64 = 1024 * 1024;

impl<T: Configurable> Recipe<T> {
    /// Reads all layers, and makes and checks the value. No diagnosis repeats the secrets, those in force neither.
    pub(crate) fn candidate(
        &self,
        files: &mut Files<'_>,
        in_force: Option<&Effective>,
    ) -> Result<Candidate<T>, Diagnosis> {
        let mut pages = HashMap::new();
        let mut root = self.merged(files, &mut pages)?;
        self.secrets.resolve(&mut root, files).map_err(Diagnosis::new)?;
        let former = in_force.map(Effective::secrets).unwrap_or_default();
        let mut evidence = Evidence::new(&root, &self.secrets, pages, former);

        let read = Reading::new(&evidence).read::<T>(&root);
        let (refused, tolerated): (Vec<_>, Vec<_>) = read
            .unknown
            .into_iter()
            .partition(|unknown| unknown.is_override || self.unknown_keys == UnknownKeys::Deny);
        let mut problems: Vec<Problem> = refused.into_iter().map(|unknown| unknown.problem).collect();
        let value = match read.value {
            Ok(value) if problems.is_empty() => value,
            Ok(_) => return Err(Diagnosis::new(problems)),
            // A missing key was most likely meant by the unknown one.
            Err(_) if read.is_incomplete && !problems.is_empty() => return Err(Diagnosis::new(problems)),
            Err(problem) => {
                problems.push(problem);
                return Err(Diagnosis::new(problems));
            }
        };
        evidence.declare(read.declared);
        self.check(&value, &evidence)?;
        let warnings = tolerated.iter().map(|unknown| unknown.problem.sentence()).collect();
        Ok(Candidate { value, effective: read.effective, evidence, warnings })
    }

    /// All violations at once, in the order of the files' lines.
    fn check(&self, value: &T, evidence: &Evidence) -> Result<(), Diagnosis> {
        let mut problems: Vec<Problem> = match value.validate() {
            Ok(()) => Vec::new(),
            Err(report) => report
                .iter()
                .map(|(path, error)| {
                    let path = path.to_string().replace('[', ".").replace(']', "");
                    evidence.violation(&path, error.message())
                })
                .collect(),
        };
        for rule in &self.rules {
            let rejections = rule(value, &evidence.provenance);
            problems.extend(rejections.iter().map(|found| evidence.rejected(found)));
        }
        problems.sort_by_key(|problem| match &problem.origin {
            Some(Origin::File { line, column, .. }) => (*line, *column),
            _ => (u64::MAX, 0),
        });
        if problems.is_empty() { Ok(()) } else { Err(Diagnosis::new(problems)) }
    }

    fn merged(&self, files: &mut Files<'_>, pages: &mut Pages) -> Result<Node, Diagnosis> {
        // All files are read before any is judged: what is read is what is watched.
        let contents: Vec<_> = self.files.iter().map(|path| (path, files.read(path, LARGEST))).collect();
        let mut layers = Vec::new();
        if let Some(text) = self.defaults {
            let (mut defaults, _) = yaml::parse(text, None)?;
            self.secrets.redirect(&mut defaults, Path::new(""))?;
            layers.push(defaults);
        }
        let mut problems = Vec::new();
        for (path, content) in contents {
            match self.layer(path, content, pages) {
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
        let nothing = Node::map(Vec::new(), Mark::of(Origin::Default));
        Ok(layers.into_iter().reduce(merge).unwrap_or(nothing))
    }

    fn layer(
        &self,
        path: &Path,
        content: Result<Arc<[u8]>, ReadError>,
        pages: &mut Pages,
    ) -> Result<Node, Problem> {
        let bytes = content.map_err(|error| {
            let whole = Origin::whole(path);
            Problem::plain(error.to_string()).public_words("the file cannot be read").at(whole)
        })?;
        let text =
            std::str::from_utf8(&bytes).map_err(|error| yaml::not_utf8(&bytes, error.valid_up_to(), path))?;
        let (mut layer, page) = yaml::parse(text, Some(path))?;
        if !matches!(layer.value, Value::Map(_)) {
            let found = if matches!(layer.value, Value::List(_)) { "a list" } else { "text" };
            return Err(
                Problem::plain(format!("expected a map of keys, found {found}")).at(layer.mark.origin)
            );
        }
        pages.insert(path.to_owned(), page);
        self.secrets.redirect(&mut layer, path.parent().unwrap_or(Path::new("")))?;
        Ok(layer)
    }
}
