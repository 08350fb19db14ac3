//! Loads libraries, for good.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::memory_file::path;
use crate::table::{ABI, Header, MAGIC, Reply, Table, Text};

/// The symbol of the table.
const SYMBOL: &str = "plugin_table";

/// Upper bound on the length of a plugin's name and of its version, in bytes.
const NAME: usize = 200;

/// Libraries that this process has loaded.
static MAPPINGS: AtomicUsize = AtomicUsize::new(0);

/// Every so many libraries, a warning is logged.
const MANY: usize = 100;

/// A table of this version of the interface, whose functions stay callable for as long as the process lives.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) start: extern "C" fn(Reply) -> u32,
    pub(crate) greet: extern "C" fn(Text, Reply) -> u32,
}

/// The libraries that this process has loaded. None is ever unloaded: their threads, thread-locals and texts may still be in use.
pub fn mappings() -> usize {
    MAPPINGS.load(Ordering::Relaxed)
}

/// Loads the library in `file`. The file can be closed afterwards.
pub(crate) fn load(file: &File) -> Result<Checked, String> {
    let number = MAPPINGS.fetch_add(1, Ordering::Relaxed) + 1;
    let path = path(file, number);
    // SAFETY: the constructors of the library run here. A child process has run them before.
    #[expect(unsafe_code, reason = "foreign code runs")]
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        MAPPINGS.fetch_sub(1, Ordering::Relaxed);
        format!("cannot be loaded: {}", words(&error).replace(&format!("{path}: "), ""))
    })?;
    if number.is_multiple_of(MANY) {
        tracing::warn!("{}", many(number));
    }
    let table = table(&library);
    // Dropping it would unload it.
    std::mem::forget(library);
    check(table?)
}

fn many(number: usize) -> String {
    format!(
        "{number} versions of plugins are loaded; none is ever unloaded, so each takes memory until the process ends: an upgrade of \
         the server frees them"
    )
}

fn table(library: &Library) -> Result<*const Table, String> {
    // SAFETY: only the address of the symbol is taken.
    #[expect(unsafe_code, reason = "the type of a symbol is not known")]
    let symbol = unsafe { library.get::<*const Table>(SYMBOL) };
    let table = symbol.map(|symbol| *symbol);
    table.ok().filter(|table| !table.is_null()).ok_or_else(|| {
        format!("has no symbol `{SYMBOL}`: it is no plugin, or does not call `plugins::export!`")
    })
}

/// Reads the table no further than it has turned out to be one.
fn check(table: *const Table) -> Result<Checked, String> {
    if !table.is_aligned() {
        return Err(format!("has a symbol `{SYMBOL}` that is no table of a plugin: its address is odd"));
    }
    // SAFETY: the symbol has an address, and a library goes on for the size of a header behind every symbol of data.
    #[expect(unsafe_code, reason = "the table belongs to the library")]
    let Header { magic, abi, size } = unsafe { table.cast::<Header>().read() };
    if magic != MAGIC {
        let found = magic.escape_ascii();
        return Err(format!(
            "has a table that begins with `{found}`, expected `{}`: it is a plugin of another host",
            MAGIC.escape_ascii()
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
    #[expect(unsafe_code, reason = "the table belongs to the library")]
    let table = unsafe { &*table };
    let text = |text: Text| {
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "the text belongs to the library")]
        let bytes = unsafe { text.to_vec() };
        let text = String::from_utf8_lossy(&bytes);
        text.chars().filter(|letter| !letter.is_control()).take(NAME).collect::<String>()
    };
    match (table.start, table.greet) {
        (Some(start), Some(greet)) => {
            Ok(Checked { name: text(table.name), version: text(table.version), start, greet })
        }
        _ => Err("has a table without `start` or `greet`".to_owned()),
    }
}

/// The loader's own words, which are in the innermost error.
fn words(error: &libloading::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::many;

    #[test]
    fn a_warning_about_many_mappings_says_how_they_are_freed() {
        let words = many(100);
        assert!(words.starts_with("100 versions") && words.contains("upgrade"), "{words}");
    }
}
