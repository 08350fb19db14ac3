//! The header of a shared library. It is checked before the library is loaded. The loader says little about a library for
//! another machine, and a truncated one may end the process.

use std::fs::File;
use std::io::Read;

/// The header of a 64-bit file.
type Header = [u8; 64];

/// `e_type` of a shared library.
const SHARED: u16 = 3;

/// Says why the file cannot be a shared library for this machine, as the rest of a sentence.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut own: Header = [0; 64];
    let read = File::open("/proc/self/exe").and_then(|mut program| program.read_exact(&mut own));
    read.map_err(|error| format!("cannot be compared with this program: {error}"))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Err("is no shared library, expected an ELF file".to_owned());
    }
    let length = bytes.len() as u64;
    let Some(header) = bytes.first_chunk() else {
        return Err(format!("is truncated: it has {length} bytes, and its header alone has {}", own.len()));
    };
    // The byte that tells 32 from 64 bits, the one that tells the order of bytes, and the machine.
    if (&header[4..6], half(header, 18)) != (&own[4..6], half(&own, 18)) {
        let (found, expected) = (machine(header), machine(&own));
        return Err(format!("is built for another machine: {found}, expected {expected}"));
    }
    let found = match half(header, 16) {
        SHARED => None,
        1 => Some("an object file"),
        2 => Some("a program"),
        _ => Some("another kind of ELF file"),
    };
    if let Some(found) = found {
        return Err(format!("is {found}, expected a shared library"));
    }
    // The table of sections is at the end of a file.
    let table = header[40..].first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let end = table.saturating_add(u64::from(half(header, 58)) * u64::from(half(header, 60)));
    if end > length { Err(format!("is truncated: it has {length} of {end} bytes")) } else { Ok(()) }
}

/// A number of two bytes.
fn half(header: &Header, at: usize) -> u16 {
    u16::from_ne_bytes([header[at], header[at + 1]])
}

fn machine(header: &Header) -> String {
    let bits = if header[4] == 1 { 32 } else { 64 };
    match half(header, 18) {
        62 => format!("x86-64, {bits} bits"),
        183 => format!("AArch64, {bits} bits"),
        other => format!("machine {other}, {bits} bits"),
    }
}
