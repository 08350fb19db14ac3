//! Files that are not taken: the old version stays, and the event says why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::fixture::{Fixture, example, faulty, follow, refusal, replaced};
use plugins::{Error, Event, Options};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use sha2::{Digest, Sha256};

/// The offsets of the class (32 or 64 bits), the type and the machine in an ELF file.
const CLASS: usize = 4;
const TYPE: usize = 16;
const MACHINE: usize = 18;

const MAGIC: &[u8] = b"greetABI";

/// Replaces the library by a bad one, and returns the words of the refusal. The old one serves before and after.
fn refused(fixture: &Fixture, library: &[u8]) -> String {
    let pid = std::process::id();
    fixture.replace(library);
    let words = fixture.wait_for_refusal();
    assert_eq!(fixture.answer(), "one greets you", "{words}");
    assert_eq!(std::process::id(), pid);
    assert!(words.starts_with('`') && words.contains("libplugin.so` "), "{words}");
    words
}

pub(crate) fn a_library_that_cannot_be_loaded_leaves_the_old_one() {
    let fixture = Fixture::new();
    let good = faulty("none", "loaded");
    let mut other_machine = good.clone();
    other_machine[MACHINE] = if good[MACHINE] == 62 { 183 } else { 62 };
    let (mut narrow, mut program, mut object) = (good.clone(), good.clone(), good.clone());
    (narrow[CLASS], program[TYPE], object[TYPE]) = (1, 2, 1);
    let unresolved = replaced(&good, b"\0memcpy\0", b"\0memcpz\0");
    for (library, expected) in [
        (&good[..good.len() / 2], "is truncated: it has "),
        (&good[..40], "is truncated: it has 40 bytes"),
        (b"#!/bin/sh\n", "is no shared library, expected an ELF file"),
        (&other_machine, "is built for another machine: "),
        (&narrow, "is built for another machine: "),
        (&program, "is a program, expected a shared library"),
        (&object, "is an object file, expected a shared library"),
        (&unresolved, "cannot be loaded: "),
    ] {
        let words = refused(&fixture, library);
        assert!(words.contains(expected), "{words}");
        assert!(!words.contains("/proc/self"), "{words}");
    }
    // The control.
    fixture.replace(&good);
    fixture.wait_for_swap();
}

pub(crate) fn a_constructor_that_aborts_ends_the_child_alone() {
    let fixture = Fixture::new();
    let words = refused(&fixture, &faulty("abort", "x"));
    assert!(words.contains("crashed while it was loaded: ") && words.contains("SIGABRT"), "{words}");
}

pub(crate) fn a_panic_in_a_constructor_ends_the_child_alone() {
    let fixture = Fixture::new();
    let words = refused(&fixture, &faulty("panic", "x"));
    assert!(words.contains("crashed while it was loaded: "), "{words}");
    assert!(words.contains("no library today") && !words.contains('\n'), "{words}");
}

pub(crate) fn code_that_never_returns_is_killed_with_its_child() {
    let limit = Options { timeout: Duration::from_secs(2), ..Options::default() };
    let fixture = Fixture::of(&faulty("none", "one"), limit);
    let words = refused(&fixture, &faulty("endless", "x"));
    assert!(words.contains("did not return within 2 s while it was loaded"), "{words}");
    let words = refused(&fixture, &faulty("stuck", "x"));
    assert!(words.contains("did not return within 2 s in the self-test"), "{words}");
    conformance::wait_until("the children to be gone", || children() == 0).unwrap();
}

/// The number of children of this process. Those of other tests end soon.
fn children() -> usize {
    let this = std::process::id().to_string();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let stat = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("stat")).ok();
    let parent =
        |stat: &String| stat.rsplit(')').next().and_then(|rest| rest.split(' ').nth(2)).map(str::to_owned);
    processes.filter_map(stat).filter(|stat| parent(stat).as_deref() == Some(&*this)).count()
}

pub(crate) fn a_panic_at_the_start_is_told() {
    let fixture = Fixture::new();
    let words = refused(&fixture, &faulty("start", "x"));
    assert!(words.contains("does not start: the plugin failed: panicked at "), "{words}");
    assert!(words.contains("no start today") && !words.contains('\n'), "{words}");
    let words = refused(&fixture, &faulty("call", "x"));
    assert!(words.contains("does not answer: the plugin failed: panicked at "), "{words}");
    let words = refused(&fixture, &faulty("silent", "x"));
    assert!(words.contains("gives an empty answer"), "{words}");
}

pub(crate) fn a_library_that_is_no_plugin_is_not_asked() {
    let fixture = Fixture::new();
    let good = faulty("none", "abi");
    let header = [MAGIC, &1_u32.to_ne_bytes()].concat();
    for (from, to, expected) in [
        (MAGIC, &b"otherABI"[..], "begins with `otherABI`, expected `greetABI`"),
        (&header, &[MAGIC, &0_u32.to_ne_bytes()].concat(), "is made for the older interface 0, expected 1"),
        (&header, &[MAGIC, &2_u32.to_ne_bytes()].concat(), "is made for the newer interface 2, expected 1"),
        (b"\0plugin_table\0", b"\0plugin_tablo\0", "has no symbol `plugin_table`"),
    ] {
        let words = refused(&fixture, &replaced(&good, from, to));
        assert!(words.contains(expected), "{words}");
    }
    let whole = [&header[..], &64_u32.to_ne_bytes()].concat();
    let short = [&header[..], &40_u32.to_ne_bytes()].concat();
    let words = refused(&fixture, &replaced(&good, &whole, &short));
    assert!(words.contains("has a table of 40 bytes, expected "), "{words}");
}

pub(crate) fn another_digest_is_refused() {
    let good = faulty("none", "one");
    let sha256 = Sha256::digest(&good).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    let only = Options { sha256: Some(sha256.clone()), ..Options::default() };
    let fixture = Fixture::of(&good, only.clone());
    let words = refused(&fixture, &faulty("none", "other"));
    assert!(words.contains("has the SHA-256 ") && words.ends_with(&format!("expected {sha256}")), "{words}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libplugin.so");
    fs::write(&path, faulty("none", "other")).unwrap();
    let error = follow(path, only).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
}

pub(crate) fn something_that_is_no_file_is_refused() {
    assert!(refusal(b"").contains("is no shared library"));
    let fixture = Fixture::new();
    fs::remove_file(fixture.path()).unwrap();
    fs::create_dir(fixture.path()).unwrap();
    loop {
        match fixture.wait_for_event() {
            Event::Rejected(error) if error.to_string().contains("is a directory") => break,
            Event::Rejected(error) => assert!(error.to_string().contains("is missing"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fixture.answer(), "one greets you");
    let error = follow(fixture.path().join("no"), Options::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
}

/// Root may read every file, so this thread and the watching thread, which it starts, drop the right to.
pub(crate) fn a_file_without_permission_is_refused() {
    let drop = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    let mut sets = capabilities(None).unwrap();
    sets.effective.remove(drop);
    sets.permitted.remove(drop);
    set_capabilities(None, sets).unwrap();

    let fixture = Fixture::new();
    let new = fixture.path().with_extension("new");
    fs::write(&new, example("greeter")).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o000)).unwrap();
    fs::rename(&new, fixture.path()).unwrap();
    let words = fixture.wait_for_refusal();
    assert!(words.contains("may not be read by this process"), "{words}");
    assert_eq!(fixture.answer(), "one greets you");
    let error = follow(fixture.path(), Options::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("may not be read by this process"), "{error}");
}
