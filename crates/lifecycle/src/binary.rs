//! The program that an upgrade starts.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use crate::fault;
use crate::program_file::{read_all, read_whole, sha256};
use crate::upgrade_error::UpgradeError;

/// Attempts to seal a copy, of 150 ms each.
const SEALINGS: u32 = 20;

/// The programs that an upgrade may start. Every rule that is set must hold; without rules any program may be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The SHA-256 of the only program, in hexadecimal digits.
    pub sha256: Option<String>,
    /// A minisign public key in base 64. The signature is in a file beside the program, with `.minisig` after its name.
    pub public_key: Option<String>,
}

/// A program that can be executed by its descriptor.
///
/// It is a copy in a sealed file in memory. So the bytes that run are the ones that were verified, even if the file changes.
#[derive(Debug)]
pub(crate) struct Binary {
    image: File,
}

impl Binary {
    /// Copies the whole program at `path` and verifies the copy.
    ///
    /// `vm.memfd_noexec=2` forbids programs in memory. The file itself is taken then, if no rule asks for verification.
    pub(crate) fn verified(path: &Path, rules: &Rules) -> Result<Binary, UpgradeError> {
        let copied = read_whole(path, |file| {
            let image = image(file, path, rules);
            fault::strike("old.copied");
            image
        });
        let image = copied
            .map_err(|reason| {
                UpgradeError::Missing(format!("cannot read the program at `{}`: {reason}", path.display()))
            })?
            .ok_or_else(|| UpgradeError::Unfinished(path.display().to_string()))??;
        let binary = Binary { image };
        binary.verify(path, rules).map_err(UpgradeError::Refused)?;
        fault::strike("old.verified");
        Ok(binary)
    }

    /// True if it is an ELF program. The system would give any other file to a shell, which cannot read it.
    pub(crate) fn is_program(&mut self) -> bool {
        let mut magic = Vec::new();
        let read = self.image.rewind().and_then(|()| self.image.by_ref().take(4).read_to_end(&mut magic));
        read.is_ok() && magic == b"\x7fELF"
    }

    pub(crate) fn into_image(self) -> OwnedFd {
        self.image.into()
    }

    fn verify(&self, path: &Path, rules: &Rules) -> Result<(), String> {
        let unreadable = |error: io::Error| error.to_string();
        if let Some(expected) = &rules.sha256 {
            let digest = sha256(&self.image).map_err(unreadable)?;
            let found = digest.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
            if !found.eq_ignore_ascii_case(expected) {
                return Err(format!("its SHA-256 is {found}, `upgrade.sha256` allows {expected}"));
            }
        }
        if let Some(key) = &rules.public_key {
            let key =
                PublicKey::from_base64(key).map_err(|error| format!("`upgrade.public_key`: {error}"))?;
            let beside = signature_of(path);
            let signature = Signature::from_file(&beside)
                .map_err(|error| format!("no signature in `{}`: {error}", beside.display()))?;
            let not_good = |error| format!("the signature in `{}` is not good: {error}", beside.display());
            let mut stream = key.verify_stream(&signature).map_err(not_good)?;
            read_all(&self.image, |bytes| stream.update(bytes)).map_err(unreadable)?;
            stream.finalize().map_err(not_good)?;
        }
        Ok(())
    }
}

/// A copy of `file` that cannot be changed any more.
fn image(file: &File, path: &Path, rules: &Rules) -> Result<File, UpgradeError> {
    match memory(path) {
        Ok(image) => copied(file, image.into()).map_err(|error| unstartable(&error)),
        Err(Errno::ACCESS) if *rules == Rules::default() => {
            file.try_clone().map_err(|error| unstartable(&error))
        }
        Err(Errno::ACCESS) => Err(UpgradeError::Unstartable(
            "the system forbids programs in memory (`vm.memfd_noexec` is 2), and only there can the rules under `upgrade:` be \
             checked: set it to 1, or remove the rules"
                .to_owned(),
        )),
        Err(error) => Err(unstartable(&error.into())),
    }
}

/// An empty file in memory that may be executed. Linux before 6.3 does not know the flag that says so.
fn memory(path: &Path) -> rustix::io::Result<OwnedFd> {
    let name = path.file_name().unwrap_or_default();
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        created => created,
    }
}

/// Copies `file` into `image`, which cannot be changed any more.
fn copied(mut file: &File, mut image: File) -> io::Result<File> {
    io::copy(&mut file, &mut image)?;
    seal(&image)?;
    Ok(image)
}

/// Seals the file. The kernel waits up to 150 ms until no other process holds one of its pages, then it answers `EBUSY`. A busy
/// machine holds some for longer: at a load of 14 on 2 cores, an upgrade failed so.
fn seal(image: &File) -> rustix::io::Result<()> {
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    let mut sealed = Err(Errno::BUSY);
    for _ in 0..SEALINGS {
        sealed = fcntl_add_seals(image, seals);
        if sealed != Err(Errno::BUSY) {
            break;
        }
    }
    sealed
}

/// The path of the signature of the program at `path`.
pub(crate) fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

fn unstartable(reason: &io::Error) -> UpgradeError {
    UpgradeError::Unstartable(format!("cannot copy the program: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{SealFlags, fcntl_add_seals};
    use rustix::io::Errno;
    use rustix::pipe::{SpliceFlags, pipe, splice};

    use super::{Binary, Rules, memory, seal};
    use crate::upgrade_error::UpgradeError;

    // Of the four bytes `test`, made by minisign.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
";
    const SHA256: &str = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

    #[test]
    fn only_a_program_that_the_rules_allow_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "test").unwrap();
        let sha256 = Some(String::from(SHA256));
        let public_key = Some(String::from(KEY));
        let refused = |rules: Rules| match Binary::verified(&path, &rules) {
            Ok(_) => String::new(),
            Err(UpgradeError::Refused(reason)) => reason,
            Err(other) => panic!("{other}"),
        };
        let by_digest = Rules { sha256: sha256.clone(), public_key: None };
        let by_key = Rules { sha256: None, public_key: public_key.clone() };
        assert_eq!(refused(Rules::default()), "");
        assert_eq!(refused(by_digest.clone()), "");
        assert!(refused(by_key.clone()).contains("no signature in"));
        fs::write(folder.path().join("program.minisig"), SIGNATURE).unwrap();
        assert_eq!(refused(by_key.clone()), "");
        assert_eq!(refused(Rules { sha256, public_key }), "");
        fs::write(&path, "Test").unwrap();
        assert!(refused(by_digest).contains("`upgrade.sha256` allows"));
        assert!(refused(by_key).contains("is not good"));
        fs::remove_file(&path).unwrap();
        assert!(matches!(Binary::verified(&path, &Rules::default()), Err(UpgradeError::Missing(_))));
        assert!(matches!(Binary::verified(folder.path(), &Rules::default()), Err(UpgradeError::Missing(_))));
    }

    #[test]
    fn a_verified_program_cannot_be_changed() {
        use std::io::{Seek, Write};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "test").unwrap();
        let mut binary = Binary::verified(&path, &Rules::default()).unwrap();
        binary.image.rewind().unwrap();
        assert!(binary.image.write_all(b"evil").is_err());
        assert!(binary.image.set_len(0).is_err());
    }

    /// A page in a pipe is held.
    #[test]
    fn a_copy_whose_pages_are_held_for_a_moment_is_sealed() {
        use std::io::{Read, Write};

        let mut image = File::from(memory(Path::new("program")).unwrap());
        image.write_all(&[7; 4096]).unwrap();
        let (reader, writer) = pipe().unwrap();
        let held = splice(&image, Some(&mut 0), &writer, None, 4096, SpliceFlags::empty()).unwrap();
        assert_eq!(held, 4096);
        // The control: one attempt is not enough.
        assert_eq!(fcntl_add_seals(&image, SealFlags::WRITE), Err(Errno::BUSY));
        let released = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            File::from(reader).read_exact(&mut [0; 4096])
        });
        seal(&image).unwrap();
        released.join().unwrap().unwrap();
        assert!(image.write_all(b"evil").is_err());
    }
}
