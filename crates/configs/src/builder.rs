//! How a configuration is put together.

use std::ffi::OsString;
use std::fmt::{Debug, Formatter};
use std::path::PathBuf;

use filewatch::{Gate, Watch};

use crate::configs::{Configs, Configurable};
use crate::diagnosis::{Diagnosis, Rejection};
use crate::layers::{MalformedOverride, assignment, environment};
use crate::origin::Provenance;
use crate::recipe::Recipe;
use crate::rehearsal::Rehearsal;
use crate::reload::{Derive, Reload};
use crate::secrets::Secrets;
use crate::snapshot::Snapshot;

/// Says of which layers a configuration is made, and what is asked of it.
///
/// Precedence, highest first: [`set`](Builder::set), [`environment`](Builder::environment), files (the last one first),
/// [`defaults`](Builder::defaults). Maps merge key by key; lists and single values replace. The order of the calls matters
/// for files and assignments alone.
pub struct Builder<T, D = ()> {
    recipe: Recipe<T>,
    derive: Derive<T, D>,
    revision_key: Option<String>,
    watch: Watch,
}

/// What an unknown key in a file does. Keys that begin with `x-` are ignored where they would be unknown, and an override
/// that names no key is always an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownKeys {
    /// It is an error.
    #[default]
    Deny,
    /// It is ignored, and logged once, without its value.
    Warn,
}

impl<T: Configurable> Builder<T> {
    pub(crate) fn new() -> Builder<T> {
        let recipe = Recipe {
            files: Vec::new(),
            defaults: None,
            environment: Vec::new(),
            assignments: Vec::new(),
            secrets: Secrets::default(),
            unknown_keys: UnknownKeys::Deny,
            rules: Vec::new(),
        };
        Builder { recipe, derive: Box::new(|_, _| ()), revision_key: None, watch: Watch::default() }
    }
}

impl<T: Configurable, D: Send + Sync + 'static> Builder<T, D> {
    /// Adds a YAML file of at most 1 MiB, laid over the earlier ones. It must be there and say something.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.recipe.files.push(path.into());
        self
    }

    /// Adds files, in order.
    #[must_use]
    pub fn files<P: Into<PathBuf>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        paths.into_iter().fold(self, Builder::file)
    }

    /// Sets the lowest layer. A default that stands here rather than in the type is part of the digest and of the diff.
    #[must_use]
    pub fn defaults(mut self, yaml: &'static str) -> Self {
        self.recipe.defaults = Some(yaml);
        self
    }

    /// Takes overrides from the process's environment, as it is now: with the prefix `APP`, `APP__DATABASE__HOST` is
    /// `database.host`. The case of a name does not matter.
    #[must_use]
    pub fn environment(mut self, prefix: &str) -> Self {
        self.recipe.environment = environment(prefix, std::env::vars_os());
        self
    }

    /// Takes overrides from the variables given instead.
    #[must_use]
    pub fn environment_from<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.recipe.environment = environment(prefix, variables);
        self
    }

    /// Overrides one key by its dotted path: `settings.log_level=debug`. Of two for one key the later counts.
    pub fn set(mut self, assigned: &str) -> Result<Self, MalformedOverride> {
        self.recipe.assignments.push(assignment(assigned)?);
        Ok(self)
    }

    /// Names a secret, or a map of them, by its dotted path. It is shown nowhere, and `x_file: PATH` may stand for `x`: the
    /// content of that file without the last line end, at most 64 KiB, watched like the configuration itself; a relative
    /// path counts from the folder of the file that names it, or from the current one for an override.
    #[must_use]
    pub fn secret(mut self, path: &str) -> Self {
        self.recipe.secrets.add(path);
        self
    }

    /// Says what an unknown key in a file does.
    #[must_use]
    pub fn unknown_keys(mut self, policy: UnknownKeys) -> Self {
        self.recipe.unknown_keys = policy;
        self
    }

    /// Names a key, a whole number of 0 or more. An edit that lowers it or drops it is refused as stale: it was made from
    /// an old copy. A new start forgets the number.
    #[must_use]
    pub fn revision_key(mut self, path: &str) -> Self {
        self.revision_key = Some(path.to_owned());
        self
    }

    /// Adds a check of the whole value, for what needs to know where a value came from. All checks are heard.
    #[must_use]
    pub fn rule(mut self, rule: impl Fn(&T, &Provenance) -> Vec<Rejection> + Send + 'static) -> Self {
        self.recipe.rules.push(Box::new(rule));
        self
    }

    /// Makes what belongs to each value: `derive` is given the new snapshot and, after the start, the one in force. Both parts
    /// are swapped in by one store, so a reader of [`Snapshot::derived`](crate::Snapshot::derived) sees what belongs to
    /// its value.
    #[must_use]
    pub fn derive<E: Send + Sync + 'static>(
        self,
        derive: impl Fn(&Snapshot<T>, Option<&Snapshot<T, E>>) -> E + Send + Sync + 'static,
    ) -> Builder<T, E> {
        let Builder { recipe, revision_key, watch, .. } = self;
        Builder { recipe, derive: Box::new(derive), revision_key, watch }
    }

    /// Rebuilds one at a time with everything else that shares the gate.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.watch = self.watch.gate(gate);
        self
    }

    /// Loads the configuration and keeps it in step with its files; fails with everything that is wrong.
    pub fn open(self) -> Result<Configs<T, D>, Diagnosis> {
        Configs::open(Reload::new(self.recipe, self.derive, self.revision_key), self.watch)
    }

    /// For fuzzing: attempts on the caller's thread, with no watcher.
    #[doc(hidden)]
    pub fn rehearse(self) -> Rehearsal<T, D> {
        Rehearsal::new(Reload::new(self.recipe, self.derive, self.revision_key))
    }
}

impl<T, D> Debug for Builder<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Builder").field("files", &self.recipe.files).finish_non_exhaustive()
    }
}
