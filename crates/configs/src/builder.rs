//! The layers and the checks of a configuration.

use std::ffi::OsString;
use std::fmt::{Debug, Formatter};
use std::path::PathBuf;
use std::sync::Arc;

use filewatch::{Options, RebuildLock};

use crate::configs::Configs;
use crate::configurable::Configurable;
use crate::diagnosis::Diagnosis;
use crate::layer::Layer;
use crate::layers::{MalformedOverride, assignment, environment};
use crate::loader::{Check, Loader, UnknownKeys};
use crate::problem::Problem;
use crate::provenance::Provenance;
use crate::redactor::Redactor;
use crate::rejection::Rejection;
use crate::reload::{Derive, Reload};
use crate::revisions::Revisions;
use crate::secrets::Secrets;
use crate::snapshot::Snapshot;
use crate::source::Source;
use crate::sources::{MalformedName, Sources};
use crate::testing::Unwatched;

/// The layers of a configuration, and its checks.
///
/// Precedence, highest first: [`set`](Builder::set), values that are [set at run time](Configs::set), [`environment`](Builder::environment), [`dotenv`](Builder::dotenv), files
/// (the last one first), [`defaults`](Builder::defaults). Maps are merged key by key; lists and single values replace. The order of the calls
/// matters for files and for assignments alone.
pub struct Builder<T, D = ()> {
    loader: Loader<T>,
    derive: Derive<T, D>,
    revisions: Revisions,
    keep_overrides: Option<PathBuf>,
    watch: Options,
}

impl<T: Configurable> Configs<T> {
    /// A builder with no layers and no checks.
    pub fn builder() -> Builder<T> {
        let loader = Loader {
            sources: Sources::default(),
            defaults: None,
            dotenv: None,
            environment: Vec::new(),
            assignments: Vec::new(),
            secrets: Secrets::default(),
            unknown_keys: UnknownKeys::Deny,
            checks: Vec::new(),
            instance: None,
        };
        Builder {
            loader,
            derive: Box::new(|_, _| ()),
            revisions: Revisions::default(),
            keep_overrides: None,
            watch: Options::default(),
        }
    }
}

impl<T: Configurable, D: Send + Sync + 'static> Builder<T, D> {
    /// Adds a file of at most 1 MiB, laid over the earlier ones. It is an error if it is missing or empty. The format is chosen by
    /// the ending: `.json`, `.toml` (feature `toml`), and YAML for every other ending.
    #[must_use]
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        self.layer(Layer::File(path.into()))
    }

    /// Searches for the first file at the start: `NAME.yaml`, `NAME.yml`, `NAME.toml`, `NAME.json`, then the same in the folder
    /// `config`. The one that is found stays for the life of the process. It is an error if there is none.
    #[must_use]
    pub fn search(mut self, name: &str) -> Self {
        self.loader.sources.searched = Some(name.to_owned());
        self
    }

    /// Lays a file over the first one while it exists, at the start and later: `config.NAME.yaml` beside `config.yaml`, with
    /// any of the endings `.yaml`, `.yml`, `.toml` and `.json`.
    pub fn overlay(mut self, name: &str) -> Result<Self, MalformedName> {
        self.loader.sources.set_overlay(name)?;
        Ok(self)
    }

    /// Adds the text of a source, laid over the earlier files and sources. It has no overlay and no `.env`.
    #[must_use]
    pub fn source(self, source: Arc<dyn Source>) -> Self {
        self.layer(Layer::Source(source))
    }

    /// Adds a [`file`](Builder::file) or a [`source`](Builder::source).
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.loader.sources.named.push(layer);
        self
    }

    /// Names this process among all that read the same source. The name decides to which canaries it belongs. The map `canary`
    /// in a document of a source has a `config` for `percent` of the names. It is laid over the document. Without a name,
    /// canaries do not count.
    #[must_use]
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.loader.instance = Some(name.into());
        self
    }

    /// Adds files, in order.
    #[must_use]
    pub fn files<P: Into<PathBuf>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        paths.into_iter().fold(self, Builder::file)
    }

    /// Sets the lowest layer. Unlike a default in the type, a default in here is part of the digest and of the history.
    #[must_use]
    pub fn defaults(mut self, yaml: &'static str) -> Self {
        self.loader.defaults = Some(yaml);
        self
    }

    /// Takes overrides from the file `.env` beside the first file, while it exists. It has lines such as
    /// `APP__DATABASE__HOST=db`, and lies below the environment. It is followed like the other files. The environment of the
    /// process is not changed.
    #[must_use]
    pub fn dotenv(mut self, prefix: &str) -> Self {
        self.loader.sources.dotenv = true;
        self.loader.dotenv = Some(prefix.to_owned());
        self
    }

    /// Takes overrides from the environment of the process as it is now. With the prefix `APP`, `APP__DATABASE__HOST` sets
    /// `database.host`. The case of a name does not matter.
    #[must_use]
    pub fn environment(mut self, prefix: &str) -> Self {
        self.loader.environment = environment(prefix, std::env::vars_os());
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
        self.loader.environment = environment(prefix, variables);
        self
    }

    /// Overrides one key by its dotted path: `settings.log_level=debug`. If there are two for one key, the later one counts.
    pub fn set(mut self, assigned: &str) -> Result<Self, MalformedOverride> {
        self.loader.assignments.push(assignment(assigned)?);
        Ok(self)
    }

    /// Names a secret, or a map of secrets, by its dotted path. It is shown nowhere. For a secret `x`, a file may have
    /// `x_file: PATH` instead: the content of that file without the last line end, at most 64 KiB, watched like the
    /// configuration itself. A relative path counts from the folder of the file that names it; in an override, from the current
    /// folder.
    #[must_use]
    pub fn secret(mut self, path: &str) -> Self {
        self.loader.secrets.add(path);
        self
    }

    /// Says what an unknown key in a file does.
    #[must_use]
    pub fn unknown_keys(mut self, policy: UnknownKeys) -> Self {
        self.loader.unknown_keys = policy;
        self
    }

    /// Names a key, a whole number of 0 or more. An edit that lowers it or drops it is refused as stale: it was made from
    /// an old copy. A new start forgets the number.
    #[must_use]
    pub fn revision_key(mut self, path: &str) -> Self {
        self.revisions.key = Some(path.to_owned());
        self
    }

    /// Lets an edit lower or drop the revision, for an intended rollback.
    #[must_use]
    pub fn allow_rollback(mut self, allow: bool) -> Self {
        self.revisions.allow_rollback = allow;
        self
    }

    /// Keeps the values that are [set at run time](Configs::set) in this file over a restart, as JSON that only its owner can
    /// read. It is read by [`open`](Builder::open) alone; a file that is missing holds no values.
    #[must_use]
    pub fn keep_overrides(mut self, path: impl Into<PathBuf>) -> Self {
        self.keep_overrides = Some(path.into());
        self
    }

    /// Adds a check of the whole value. The problems of all checks are told together. `name` is told if the check panics.
    #[must_use]
    pub fn check(
        self,
        name: &str,
        check: impl Fn(&T, &Provenance) -> Vec<Rejection> + Send + 'static,
    ) -> Self {
        self.add_check(name, move |value, redactor| {
            check(value, &redactor.provenance).iter().map(|found| redactor.rejected(found)).collect()
        })
    }

    /// Checks every value with garde (Cargo feature `garde`).
    #[cfg(feature = "garde")]
    #[must_use]
    pub fn validate(self) -> Self
    where
        T: garde::Validate<Context = ()>,
    {
        self.add_check("garde", |value, redactor| {
            let Err(report) = value.validate() else { return Vec::new() };
            let violation = |(path, error): &(garde::Path, garde::Error)| {
                let dotted = path.to_string().replace('[', ".").replace(']', "");
                redactor.rejected(&Rejection::new(dotted, error.message()).naming_the_value())
            };
            report.iter().map(violation).collect()
        })
    }

    /// Derives something from every value. `derive` is given the new snapshot and, except at the start, the one in force.
    /// [`Snapshot::derived`] is swapped together with the value, so a reader always sees what belongs to its value.
    #[must_use]
    pub fn derive<E: Send + Sync + 'static>(
        self,
        derive: impl Fn(&Snapshot<T>, Option<&Snapshot<T, E>>) -> E + Send + Sync + 'static,
    ) -> Builder<T, E> {
        let Builder { loader, revisions, keep_overrides, watch, .. } = self;
        Builder { loader, derive: Box::new(derive), revisions, keep_overrides, watch }
    }

    /// Shares a lock: of all live values that share it, one is rebuilt at a time.
    #[must_use]
    pub fn rebuild_lock(mut self, lock: &RebuildLock) -> Self {
        self.watch = self.watch.rebuild_lock(lock);
        self
    }

    /// Loads the configuration, then keeps it in step with its files. Fails with everything that is wrong.
    pub fn open(self) -> Result<Configs<T, D>, Diagnosis> {
        let mut runtime = self.loader.runtime();
        if let Some(path) = self.keep_overrides {
            runtime.keep_in(path)?;
        }
        Configs::open(Reload::new(self.loader, self.derive, self.revisions, runtime), self.watch)
    }

    /// For tests and fuzzing: attempts on the caller's thread, with no watcher.
    #[doc(hidden)]
    pub fn unwatched(self) -> Unwatched<T, D> {
        let runtime = self.loader.runtime();
        Unwatched::new(Reload::new(self.loader, self.derive, self.revisions, runtime))
    }

    fn add_check(mut self, name: &str, run: impl Fn(&T, &Redactor) -> Vec<Problem> + Send + 'static) -> Self {
        self.loader.checks.push(Check { name: name.to_owned(), run: Box::new(run) });
        self
    }
}

impl<T, D> Debug for Builder<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let files: Vec<_> = self.loader.sources.named.iter().filter_map(Layer::path).collect();
        out.debug_struct("Builder").field("files", &files).finish_non_exhaustive()
    }
}
