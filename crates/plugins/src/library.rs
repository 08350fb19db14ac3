//! Loads libraries, for good.
#![expect(unsafe_code, reason = "foreign code runs")]

use std::error::Error;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::memory_file::path;
use crate::table::{ABI, Header, MAGIC, Table, Text};
use crate::version::Version;

/// The symbol of the table.
const SYMBOL: &str = "plugin_table";
/// A warning is logged after each of this number of libraries.
const MANY: usize = 100;
/// Libraries that this process has loaded.
static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// The libraries that this process has loaded. None is ever unloaded: their threads, thread-locals and texts may still be in use.
pub fn mappings() -> usize {
    MAPPINGS.load(Ordering::Relaxed)
}

/// Loads the library in `file`, which has this digest. The file can be closed afterwards. Says why that fails, as the rest of a
/// sentence.
pub(crate) fn load(file: &File, sha256: String) -> Result<Version, String> {
    let number = MAPPINGS.fetch_add(1, Ordering::Relaxed) + 1;
    let path = path(file, number);
    // SAFETY: the constructors of the library run here. A child process has run them before.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        MAPPINGS.fetch_sub(1, Ordering::Relaxed);
        let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("cannot be loaded: {}", words.replace(&format!("{path}: "), ""))
    })?;
    if number.is_multiple_of(MANY) {
        tracing::warn!(
            "{number} versions of plugins are loaded; none is ever unloaded, so each takes memory until the process ends: an upgrade \
             of the server frees them"
        );
    }
    // SAFETY: only the address of the symbol is taken.
    let table = unsafe { library.get::<*const Table>(SYMBOL) }.map(|symbol| *symbol);
    // Dropping it would unload it.
    std::mem::forget(library);
    match table {
        Ok(table) if table.is_aligned() && !table.is_null() => check(table, sha256),
        _ => Err(format!("has no symbol `{SYMBOL}`: it is no plugin, or does not call `plugins::export!`")),
    }
}

/// Reads the table no further than it has turned out to be one.
fn check(table: *const Table, sha256: String) -> Result<Version, String> {
    // SAFETY: the symbol has an address, and a library goes on for the size of a header behind every symbol of data.
    let Header { magic, abi, size } = unsafe { table.cast::<Header>().read() };
    if magic != MAGIC {
        let (found, expected) = (magic.escape_ascii(), MAGIC.escape_ascii());
        return Err(format!(
            "has a table that begins with `{found}`, expected `{expected}`: it is a plugin of another host"
        ));
    }
    if abi != ABI {
        let age = if abi < ABI { "older" } else { "newer" };
        return Err(format!("is made for the {age} interface {abi}, expected {ABI}: build it anew"));
    }
    if (size as usize) < size_of::<Table>() {
        return Err(format!("has a table of {size} bytes, expected {}: build it anew", size_of::<Table>()));
    }
    // SAFETY: magic, version and size are those of a `Table`. It lives as long as the library, which is never unloaded.
    let table = unsafe { &*table };
    let (Some(start), Some(greet)) = (table.start, table.greet) else {
        return Err("has a table without `start` or `greet`".to_owned());
    };
    Ok(Version { name: text(table.name), version: text(table.version), sha256, start, greet })
}

/// A text of the table for a line of the log, at most 200 characters.
fn text(text: Text) -> String {
    // SAFETY: the text lives as long as the table.
    let bytes = unsafe { text.to_vec() };
    String::from_utf8_lossy(&bytes).chars().filter(|letter| !letter.is_control()).take(200).collect()
}
