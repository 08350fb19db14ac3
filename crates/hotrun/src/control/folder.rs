//! The folder with the sockets of all hotruns of this user, and their names.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sha2::{Digest, Sha256};

/// The folder: `$XDG_RUNTIME_DIR/hotrun`, or else `hotrun-UID` in the folder for temporary files. Makes it if it is missing.
///
/// # Errors
///
/// The folder cannot be made, or other users can use it.
pub(super) fn folder() -> io::Result<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let folder = match runtime {
        Some(runtime) => runtime.join("hotrun"),
        None => env::temp_dir().join(format!("hotrun-{}", geteuid().as_raw())),
    };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(io::Error::new(error.kind(), format!("`{}`: {error}", folder.display())));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
        let words = format!("`{}` is not a folder that only you can use", folder.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, words));
    }
    Ok(folder)
}

/// The name of the socket of a process that watches this root.
pub(super) fn name(root: &Path, process: u32) -> String {
    format!("{}-{process}.sock", digest(root))
}

/// Connections to all hotruns that watch this root.
pub(super) fn connect(folder: &Path, root: &Path) -> Vec<UnixStream> {
    let prefix = format!("{}-", digest(root));
    let is_of_root =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
    sockets(folder).filter(is_of_root).filter_map(|path| UnixStream::connect(path).ok()).collect()
}

/// Removes the sockets of processes that were killed.
pub(super) fn remove_stale(folder: &Path) {
    for path in sockets(folder) {
        let refused =
            UnixStream::connect(&path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if refused && !has_process(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// True if the process of the socket lives: it may have bound the socket, and not listen yet.
fn has_process(socket: &Path) -> bool {
    let stem = socket.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit_once('-').is_some_and(|(_, process)| Path::new("/proc").join(process).exists())
}

fn sockets(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "sock"))
}

/// 16 hexadecimal digits.
fn digest(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    format!("{:016x}", digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
}
