//! Plugins for `GET /greet`, each with a number in its answer.

use crate::{Failed, folder};
use std::{fs, process::Command, sync::OnceLock};

/// The words in the built file that choose a fault and the number.
const SWITCHES: &[u8] = b"SWITCHES=none      0000";

static BUILT: OnceLock<Vec<u8>> = OnceLock::new();

/// A shared library whose answers have `number`. `fault` is `none` or one of those in `plugin_library.c`.
pub(crate) fn plugin_library(fault: &str, number: u32) -> Result<Vec<u8>, Failed> {
    let mut library = match BUILT.get() {
        Some(library) => library.clone(),
        None => BUILT.get_or_init(|| build().unwrap_or_else(|failed| panic!("{failed:?}"))).clone(),
    };
    let at = library.windows(SWITCHES.len()).position(|words| words == SWITCHES).ok_or("it has switches")?;
    let switches = format!("SWITCHES={fault:<10}{number:04}");
    library[at..at + SWITCHES.len()].copy_from_slice(switches.as_bytes());
    Ok(library)
}

/// The number in an answer, which has it 100 times before `name`.
pub(crate) fn number_in(answer: &str, name: &str) -> Result<u32, String> {
    let words: Vec<&str> = answer.split(' ').collect();
    let numbers = words.len().checked_sub(1).map(|end| &words[..end]).unwrap_or_default();
    match numbers.first() {
        Some(first) if numbers.len() == 100 && numbers.iter().all(|number| number == first) => {
            let number = first.parse().map_err(|_| format!("no number: {answer}"))?;
            if words[100] == name { Ok(number) } else { Err(format!("another name: {answer}")) }
        }
        _ => Err(format!("more than one version in one answer: {answer}")),
    }
}

/// Cargo needs a C compiler as its linker, so there is one.
fn build() -> Result<Vec<u8>, Failed> {
    let folder = folder()?;
    let (source, library) = (folder.path().join("plugin.c"), folder.path().join("plugin.so"));
    fs::write(&source, include_str!("plugin_library.c"))?;
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output()?;
    if !built.status.success() {
        return Err(format!("cc: {}", String::from_utf8_lossy(&built.stderr)).into());
    }
    Ok(fs::read(library)?)
}
