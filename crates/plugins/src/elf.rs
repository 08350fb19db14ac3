//! The header of a shared library. It is checked before the library is loaded: the loader says little about a library for another
//! machine, and a truncated one may end the process.

use std::fs::File;
use std::io::Read;

/// The bytes of a header on 64-bit systems.
const HEADER: usize = 64;

/// The byte that tells 32 from 64 bits, and the one that tells the order of bytes.
const CLASS_AND_ORDER: std::ops::Range<usize> = 4..6;

/// `e_type` of a shared library.
const SHARED: u16 = 3;

/// Says why the file cannot be a shared library for this machine.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut own = [0; HEADER];
    let read = File::open("/proc/self/exe").and_then(|mut program| program.read_exact(&mut own));
    read.map_err(|error| format!("cannot be compared with this program: {error}"))?;
    compare(bytes, &own)
}

/// `own` is the header of a program that runs on this machine.
fn compare(bytes: &[u8], own: &[u8; HEADER]) -> Result<(), String> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err("is no shared library, expected an ELF file".to_owned());
    }
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Err(format!("is truncated: it has {} bytes, and its header alone has {HEADER}", bytes.len()));
    };
    let (theirs, ours) = (half(header, 18), half(own, 18));
    if header[CLASS_AND_ORDER] != own[CLASS_AND_ORDER] || theirs != ours {
        return Err(format!(
            "is built for another machine: {}, expected {}",
            machine(header, theirs),
            machine(own, ours)
        ));
    }
    match half(header, 16) {
        SHARED => {}
        1 => return Err("is an object file, expected a shared library".to_owned()),
        2 => return Err("is a program, expected a shared library".to_owned()),
        other => return Err(format!("is an ELF file of type {other}, expected a shared library")),
    }
    // The table of sections is at the end of a file.
    let table = u64::from_ne_bytes(*header[40..].first_chunk().expect("the header is longer"));
    let end = table.saturating_add(u64::from(half(header, 58)) * u64::from(half(header, 60)));
    let length = bytes.len() as u64;
    if end > length {
        return Err(format!("is truncated: it has {length} of {end} bytes"));
    }
    Ok(())
}

/// A number of two bytes.
fn half(header: &[u8; HEADER], at: usize) -> u16 {
    u16::from_ne_bytes([header[at], header[at + 1]])
}

fn machine(header: &[u8; HEADER], number: u16) -> String {
    let bits = if header[4] == 1 { 32 } else { 64 };
    match number {
        3 => "x86".to_owned(),
        40 => "ARM".to_owned(),
        62 => "x86-64".to_owned(),
        183 => "AArch64".to_owned(),
        243 => format!("RISC-V, {bits} bits"),
        other => format!("machine {other}, {bits} bits"),
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, compare};

    /// A header for x86-64, and of a file of 100 bytes.
    fn header() -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        header[16..20].copy_from_slice(&[3_u16.to_ne_bytes(), 62_u16.to_ne_bytes()].concat());
        header[40..48].copy_from_slice(&36_u64.to_ne_bytes());
        header[58..62].copy_from_slice(&[64_u16.to_ne_bytes(), 1_u16.to_ne_bytes()].concat());
        header
    }

    #[test]
    fn a_file_that_cannot_be_loaded_is_described() {
        type Edit = fn(&mut Vec<u8>);
        let cases: [(Edit, Option<&str>); 8] = [
            (|_| {}, None),
            (|file| file.truncate(99), Some("is truncated: it has 99 of 100 bytes")),
            (|file| file.truncate(20), Some("is truncated: it has 20 bytes, and its header alone has 64")),
            (|file| file.clear(), Some("is no shared library, expected an ELF file")),
            (|file| file[18] = 183, Some("is built for another machine: AArch64, expected x86-64")),
            (|file| (file[4], file[18]) = (1, 3), Some("is built for another machine: x86, expected x86-64")),
            (|file| file[16] = 2, Some("is a program, expected a shared library")),
            (|file| file[40] = 0xff, Some("is truncated: it has 100 of 319 bytes")),
        ];
        for (edit, expected) in cases {
            let mut file = header().to_vec();
            file.resize(100, 0);
            edit(&mut file);
            assert_eq!(compare(&file, &header()).err().as_deref(), expected);
        }
    }
}
