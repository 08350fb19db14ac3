//! Functions that others asked to have called.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Functions that are called one after another, and may add others meanwhile.
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

    /// Calls each function, and each that is added meanwhile. `None` stands for one that panicked.
    pub(crate) fn call_all<R>(&self, mut call: impl FnMut(&mut F) -> R) -> Vec<Option<R>> {
        let (mut called, mut results) = (Vec::new(), Vec::new());
        loop {
            let mut functions = self.with(std::mem::take);
            if functions.is_empty() {
                self.with(|functions| functions.append(&mut called));
                return results;
            }
            results.extend(functions.iter_mut().map(|function| calmly(|| call(function))));
            called.append(&mut functions);
        }
    }

    /// Calls each function, but none that is added meanwhile. `None` stands for one that panicked.
    pub(crate) fn call<R>(&self, mut call: impl FnMut(&mut F) -> R) -> Vec<Option<R>> {
        let mut functions = self.with(std::mem::take);
        let results = functions.iter_mut().map(|function| calmly(|| call(function))).collect();
        self.with(|added| {
            functions.append(added);
            *added = functions;
        });
        results
    }

    fn with<R>(&self, change: impl FnOnce(&mut Vec<F>) -> R) -> R {
        change(&mut self.functions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Calls what others wrote; `None` when it panicked, which the panic hook has told already.
pub(crate) fn calmly<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
