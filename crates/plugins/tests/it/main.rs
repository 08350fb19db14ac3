//! A host and real libraries.
#![expect(clippy::unwrap_used, reason = "a test without the harness of the standard library")]

mod calls;
mod fixture;
mod following;
mod refused;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// The tests of this program.
macro_rules! tests {
    ($($module:ident: $($test:ident),+ $(,)?;)+) => {
        vec![$($(Trial::test(concat!(stringify!($module), "::", stringify!($test)), || {
            $module::$test();
            Ok(())
        }),)+)+]
    };
}

fn main() -> ExitCode {
    plugins::init();
    let tests = tests![
        calls:
            a_panic_in_a_call_fails_that_call_alone,
            a_version_that_is_held_answers_after_a_swap;
        following:
            another_content_is_swapped_in,
            the_same_bytes_again_are_no_event,
            a_version_that_comes_back_is_not_loaded_again,
            an_overwritten_file_does_not_change_the_code_that_runs,
            a_file_that_is_deleted_leaves_the_plugin,
            the_shipped_example_greets;
        refused:
            a_library_that_cannot_be_loaded_leaves_the_old_one,
            a_constructor_that_aborts_ends_the_child_alone,
            a_panic_in_a_constructor_ends_the_child_alone,
            code_that_never_returns_is_killed_with_its_child,
            a_panic_at_the_start_is_told,
            a_library_that_is_no_plugin_is_not_asked,
            another_digest_is_refused,
            something_that_is_no_file_is_refused,
            a_file_without_permission_is_refused;
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
