//! A claim of the contract, and the demo that is checked.

use crate::{Failed, Server, tier};
use libtest_mimic::{Completion, Trial};
use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The result of a claim: an error says why it does not hold. A panic is a failure, too.
pub(crate) type Verdict = Result<(), Failed>;

/// A claim that is checked against a demo.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    /// The path of the function that checks it.
    pub(crate) path: &'static str,
    pub(crate) check: fn(&Demo) -> Verdict,
    pub(crate) scope: Scope,
}

/// On which demos a claim is checked, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A framework can break it: on every demo.
    EveryDemo,
    /// Shared code keeps it: on demo-axum, and in the full tier on every demo.
    OneDemo,
    /// It takes long: in the full tier, on every demo.
    Full,
}

impl Scope {
    /// True if a claim of this scope is checked against a demo of `framework` in the full or in the quick tier.
    pub(crate) fn includes(self, framework: &str, full: bool) -> bool {
        match self {
            Scope::EveryDemo => true,
            Scope::OneDemo => full || framework == "Axum",
            Scope::Full => full,
        }
    }
}

/// Lists the functions of a file of claims. A function that is not listed is reported as dead code.
///
/// The list has up to three parts, one for each [`Scope`]: `every demo: a, b; one demo: c; full tier: d;`. A list without parts
/// is for every demo.
macro_rules! claims {
    (@of $scope:ident, $claim:ident) => {
        $crate::claim::Claim {
            path: concat!(module_path!(), "::", stringify!($claim)),
            check: $claim,
            scope: $crate::claim::Scope::$scope,
        }
    };
    (
        $(every demo: $($every:ident),+ $(,)?;)?
        $(one demo: $($one:ident),+ $(,)?;)?
        $(full tier: $($full:ident),+ $(,)?;)?
    ) => {
        /// The claims of this file.
        pub(crate) const CLAIMS: &[$crate::claim::Claim] = &[
            $($($crate::claim::claims!(@of EveryDemo, $every),)+)?
            $($($crate::claim::claims!(@of OneDemo, $one),)+)?
            $($($crate::claim::claims!(@of Full, $full),)+)?
        ];
    };
    ($($claim:ident),+ $(,)?) => { $crate::claim::claims! { every demo: $($claim),+; } };
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

    /// The path of its program.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// A server of this demo, for further configuration.
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
    static LOGS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes the message and place of a panic part of the failure. Otherwise they are printed among the lines of other claims.
pub(crate) fn keep_panic_messages() {
    panic::set_hook(Box::new(|panic| LAST_PANIC.set(panic.to_string())));
}

/// Keeps the log of a server that has ended. It is printed if the claim on this thread fails.
pub(crate) fn remember_log(said: &str) {
    LOGS.with_borrow_mut(|heard| heard.push_str(said));
}

/// A claim as a test.
pub(crate) fn trial(path: &str, check: impl FnOnce() -> Verdict + Send + 'static) -> Trial {
    Trial::test(short_name(path), move || judge(check))
}

/// A claim as a test with a prerequisite. If that is `missing`, the test is reported as ignored, with the reason. With
/// `REQUIRE_ALL=1` it runs all the same, and fails.
pub(crate) fn trial_that_needs(
    missing: Option<String>,
    path: &str,
    check: impl FnOnce() -> Verdict + Send + 'static,
) -> Trial {
    let missing = missing.filter(|_| !tier::requires_all());
    Trial::ignorable_test(short_name(path), move || match missing {
        Some(reason) => Ok(Completion::ignored_with(format!("SKIPPED: {reason}"))),
        None => judge(check).map(|()| Completion::Completed),
    })
}

/// The path of a claim without the leading modules: `upgrading::an_upgrade_ends_a_probation`.
fn short_name(path: &str) -> &str {
    path.rsplit_once("cases::").map_or(path, |(_, name)| name)
}

/// Runs a claim. A failure contains the logs of its servers.
fn judge(check: impl FnOnce() -> Verdict) -> Verdict {
    LOGS.take();
    let failure = match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(failed)) => failed.message().unwrap_or_default().to_owned(),
        Err(_) => LAST_PANIC.take(),
    };
    let heard = LOGS.take();
    Err(if heard.is_empty() { failure } else { format!("{failure}\n--- what its servers said:\n{heard}") }
        .into())
}

#[cfg(test)]
mod tests {
    use super::{Demo, Scope, judge, remember_log};

    #[test]
    fn a_demo_knows_its_framework() {
        for (binary, framework) in
            [("x/demo-axum", "Axum"), ("demo-actix-web", "Actix-web"), ("/demo-warp", "Warp")]
        {
            assert_eq!(Demo::new(binary).framework(), framework);
        }
    }

    #[test]
    fn a_claim_about_shared_code_runs_once_and_a_long_one_in_the_full_tier() {
        let checked = |scope: Scope, full| ["Axum", "Warp"].map(|framework| scope.includes(framework, full));
        for (scope, quick) in
            [(Scope::EveryDemo, [true, true]), (Scope::OneDemo, [true, false]), (Scope::Full, [false, false])]
        {
            assert_eq!((checked(scope, false), checked(scope, true)), (quick, [true, true]), "{scope:?}");
        }
    }

    #[test]
    fn a_failure_comes_with_what_the_servers_said() {
        let verdict = judge(|| {
            remember_log("listening\n");
            Err("no".into())
        });
        assert!(
            verdict.unwrap_err().message().unwrap().contains("no\n--- what its servers said:\nlistening")
        );
        assert!(judge(|| Ok(())).is_ok());
        assert!(judge(|| panic!("torn")).is_err());
    }
}
