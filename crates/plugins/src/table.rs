//! The C interface between a plugin and its host. Only C types cross it, so each side may use its own compiler, standard library and
//! allocator.
//!
//! ```c
//! struct text { const char *start; size_t length; };
//! struct reply { void (*take)(void *context, struct text answer); void *context; };
//! const struct {
//!     char magic[8]; uint32_t abi, size; struct text name, version;
//!     uint32_t (*start)(struct reply); uint32_t (*greet)(struct text name, struct reply);
//! } plugin_table;
//! ```
//!
//! A function calls `take` at most once, before it returns. The host copies the text. It returns [`DONE`], or [`FAILED`] with the
//! reason as the text.
#![expect(unsafe_code, reason = "raw pointers to what belongs to the other side")]

use std::ffi::c_void;

/// The first bytes of the table.
pub(crate) const MAGIC: [u8; 8] = *b"greetABI";

/// The version of the interface. It changes when a plugin for the old one cannot be called any more.
pub(crate) const ABI: u32 = 1;

/// The status of a call that has an answer.
pub(crate) const DONE: u32 = 0;
/// The status of a call that has failed.
pub(crate) const FAILED: u32 = 1;

/// The beginning of the table, which every version of the interface has.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) abi: u32,
    /// The size of the whole table, in bytes.
    pub(crate) size: u32,
}

/// The table that a plugin exports as `plugin_table`.
#[repr(C)]
pub struct Table {
    pub(crate) header: Header,
    pub(crate) name: Text,
    pub(crate) version: Text,
    pub(crate) start: Option<extern "C" fn(Reply) -> u32>,
    pub(crate) greet: Option<extern "C" fn(Text, Reply) -> u32>,
}

/// UTF-8 that the callee may read until it returns.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    start: *const u8,
    length: usize,
}

/// The receiver of an answer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Reply {
    pub(crate) take: extern "C" fn(*mut c_void, Text),
    pub(crate) context: *mut c_void,
}

impl Table {
    /// The table of a plugin.
    pub const fn new(
        name: &'static str,
        version: &'static str,
        start: extern "C" fn(Reply) -> u32,
        greet: extern "C" fn(Text, Reply) -> u32,
    ) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "64 bytes")]
        let header = Header { magic: MAGIC, abi: ABI, size: size_of::<Table>() as u32 };
        let (name, version) = (Text::new(name), Text::new(version));
        Self { header, name, version, start: Some(start), greet: Some(greet) }
    }
}

impl Text {
    pub(crate) const fn new(text: &str) -> Self {
        Self { start: text.as_ptr(), length: text.len() }
    }

    /// Copies the bytes.
    ///
    /// # Safety
    /// The other side keeps to the interface: the text is there until this returns.
    pub(crate) unsafe fn to_vec(self) -> Vec<u8> {
        if self.start.is_null() {
            return Vec::new();
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }.to_vec()
    }
}

// SAFETY: a table and the texts in it never change.
unsafe impl Sync for Table {}
