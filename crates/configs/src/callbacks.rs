//! Functions that others registered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Functions that are called one after another, and may register others meanwhile.
pub(crate) struct Callbacks<F> {
    functions: Mutex<Vec<F>>,
}

impl<F> Callbacks<F> {
    pub(crate) fn new() -> Callbacks<F> {
        Callbacks { functions: Mutex::new(Vec::new()) }
    }

    pub(crate) fn add(&self, function: F) {
        self.with(|functions| functions.push(function));
    }

    /// Calls each function, and each one that is registered meanwhile. `None` stands for one that panicked.
    pub(crate) fn call_all<R>(&self, mut call: impl FnMut(&mut F) -> R) -> Vec<Option<R>> {
        let (mut called, mut results) = (Vec::new(), Vec::new());
        loop {
            let mut functions = self.with(std::mem::take);
            if functions.is_empty() {
                self.with(|functions| functions.append(&mut called));
                return results;
            }
            results.extend(functions.iter_mut().map(|function| catch_panic(|| call(function))));
            called.append(&mut functions);
        }
    }

    /// Calls each function that was registered before.
    pub(crate) fn call(&self, mut call: impl FnMut(&mut F)) {
        let mut functions = self.with(std::mem::take);
        for function in &mut functions {
            catch_panic(|| call(function));
        }
        self.with(|added| {
            functions.append(added);
            *added = functions;
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut Vec<F>) -> R) -> R {
        change(&mut self.functions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Calls code that others wrote; `None` when it panicked. The panic hook has printed the panic.
pub(crate) fn catch_panic<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
