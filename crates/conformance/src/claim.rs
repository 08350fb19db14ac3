//! A claim of the contract, and what it is made about.

use crate::{Failed, Server};
use libtest_mimic::Trial;
use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a claim comes to: nothing to say, or why it does not hold. A panic is a failure too.
pub(crate) type Verdict = Result<(), Failed>;

/// A name and the function that checks it.
pub(crate) type Claim = (&'static str, fn(&Demo) -> Verdict);

/// Lists the functions of a file of claims, so that one that is forgotten is reported as dead code.
macro_rules! claims {
    ($($claim:ident),* $(,)?) => {
        /// The claims of this file.
        pub(crate) const CLAIMS: &[$crate::claim::Claim] =
            &[$((concat!(module_path!(), "::", stringify!($claim)), $claim)),*];
    };
}
pub(crate) use claims;

/// The program under test.
#[derive(Clone, Debug)]
pub struct Demo {
    binary: Arc<Path>,
}

impl Demo {
    /// The demo whose program is at `binary`.
    pub fn new(binary: impl Into<PathBuf>) -> Demo {
        Demo { binary: binary.into().into() }
    }

    /// Where its program is.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// A server of this demo, yet to be configured.
    pub fn server(&self) -> Server {
        Server::new(&*self.binary)
    }

    /// The framework as the page names it: `Axum` of `demo-axum`.
    pub fn framework(&self) -> String {
        let name = self.binary.file_stem().unwrap_or_default().to_string_lossy();
        let name = name.strip_prefix("demo-").unwrap_or(&name);
        name[..1].to_uppercase() + &name[1..]
    }
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static HEARD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes a panic's words and place part of the failure, instead of printing them between other claims' lines.
pub(crate) fn keep_the_words_of_panics() {
    panic::set_hook(Box::new(|panic| LAST_PANIC.set(panic.to_string())));
}

/// Keeps what a server that is gone said on stderr, to be shown if the claim on this thread fails.
pub(crate) fn remember(said: &str) {
    HEARD.with_borrow_mut(|heard| heard.push_str(said));
}

/// A claim as a test.
pub(crate) fn trial(path: &str, check: impl FnOnce() -> Verdict + Send + 'static) -> Trial {
    Trial::test(named(path), move || judge(check))
}

/// The last parts of a path, from its file of claims on.
pub(crate) fn named(path: &str) -> &str {
    path.rsplit_once("cases::").map_or(path, |(_, name)| name)
}

/// Runs a claim; a failure comes with what its servers said.
pub(crate) fn judge(check: impl FnOnce() -> Verdict) -> Verdict {
    HEARD.take();
    let failure = match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failed)) => failed.message().unwrap_or_default().to_owned(),
        Err(_) => LAST_PANIC.take(),
    };
    let heard = HEARD.take();
    Err(if heard.is_empty() { failure } else { format!("{failure}\n--- what its servers said:\n{heard}") }
        .into())
}

#[cfg(test)]
mod tests {
    use super::{Demo, judge, remember};

    #[test]
    fn a_demo_knows_its_framework() {
        for (binary, framework) in
            [("x/demo-axum", "Axum"), ("demo-actix-web", "Actix-web"), ("/demo-warp", "Warp")]
        {
            assert_eq!(Demo::new(binary).framework(), framework);
        }
    }

    #[test]
    fn a_failure_comes_with_what_the_servers_said() {
        let verdict = judge(|| {
            remember("listening\n");
            Err("no".into())
        });
        assert!(
            verdict.unwrap_err().message().unwrap().contains("no\n--- what its servers said:\nlistening")
        );
        assert!(judge(|| Ok(())).is_ok());
        assert!(judge(|| panic!("torn")).is_err());
    }
}
