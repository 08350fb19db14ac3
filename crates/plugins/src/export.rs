//! The plugin's side of the interface.
#![expect(unsafe_code, reason = "the name of a call belongs to the host")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::OnceLock;

use crate::greeter::Greeter;
use crate::table::{DONE, FAILED, Reply, Text};

/// Exports a type that implements [`Greeter`](crate::Greeter) as the plugin of this library, which needs
/// `crate-type = ["cdylib"]`.
#[macro_export]
macro_rules! export {
    ($greeter:ty) => {
        const _: () = {
            static INSTANCE: $crate::Instance<$greeter> = $crate::Instance::new();

            extern "C" fn start(reply: $crate::Reply) -> u32 {
                INSTANCE.start(reply)
            }

            extern "C" fn greet(name: $crate::Text, reply: $crate::Reply) -> u32 {
                INSTANCE.greet(name, reply)
            }

            #[allow(unsafe_code, non_upper_case_globals, reason = "the name of the symbol")]
            #[unsafe(no_mangle)]
            static plugin_table: $crate::Table = $crate::Table::new(
                <$greeter as $crate::Greeter>::NAME,
                <$greeter as $crate::Greeter>::VERSION,
                start,
                greet,
            );
        };
    };
}

/// The instance of a plugin.
pub struct Instance<G>(OnceLock<G>);

thread_local! {
    /// During a call: the message of its panic.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

impl<G: Greeter> Instance<G> {
    /// No instance yet.
    #[expect(clippy::new_without_default, reason = "the macro needs a const function")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Makes the instance.
    pub fn start(&self, reply: Reply) -> u32 {
        keep_panic_messages();
        answer(reply, || {
            self.0.get_or_init(G::new);
            String::new()
        })
    }

    /// Answers a call of the host.
    pub fn greet(&self, name: Text, reply: Reply) -> u32 {
        answer(reply, || {
            // SAFETY: the host keeps to the interface.
            let name = unsafe { name.to_vec() };
            self.0.get_or_init(G::new).greet(&String::from_utf8_lossy(&name))
        })
    }
}

/// Catches the panic of a call.
fn answer(reply: Reply, call: impl FnOnce() -> String) -> u32 {
    PANIC.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(call));
    let panic = PANIC.take().unwrap_or_default();
    let (text, status) = match result {
        Ok(text) => (text, DONE),
        Err(payload) => {
            // A payload may panic when it is dropped.
            std::mem::forget(payload);
            (panic, FAILED)
        }
    };
    (reply.take)(reply.context, Text::new(&text));
    status
}

/// The host gets the message of a panic in a call, and logs it. Other threads of the plugin panic as usual.
fn keep_panic_messages() {
    let print = take_hook();
    set_hook(Box::new(move |panic| {
        let is_call = PANIC.with_borrow_mut(|message| {
            message.as_mut().map(|message| *message = panic.to_string().replace('\n', " "))
        });
        if is_call.is_none() {
            print(panic);
        }
    }));
}
