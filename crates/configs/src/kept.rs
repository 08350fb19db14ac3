//! The file that holds the values set at run time over a restart.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::diagnosis::Diagnosis;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::runtime::{Held, tree};
use crate::secrets::Secrets;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: Json,
    /// RFC 3339.
    until: Option<String>,
}

/// Reads the values that are not over. A file that is missing holds none.
pub(crate) fn read(path: &Path, secrets: &Secrets) -> Result<BTreeMap<String, Held>, Diagnosis> {
    let problem = |message: String| Diagnosis::from(problem(path, message));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(problem(format!("the kept values cannot be read: {error}"))),
    };
    let entries: BTreeMap<String, Entry> = serde_json::from_str(&text)
        .map_err(|error| problem(format!("these are no kept values: line {}", error.line())))?;
    let mut values = BTreeMap::new();
    for (key, Entry { value, until }) in entries {
        tree(&key, &value, secrets).map_err(|error| problem(error.to_string()))?;
        let until: Option<Timestamp> = until
            .map(|until| until.parse())
            .transpose()
            .map_err(|_| problem("these are no kept values: `until` is no time of RFC 3339".to_owned()))?;
        if let Some(held) = Held::kept(value, until) {
            values.insert(key, held);
        }
    }
    Ok(values)
}

/// Replaces the file by a rename, so that it is always whole. Only its owner can read it.
pub(crate) fn write(path: &Path, values: &BTreeMap<String, Held>) -> io::Result<()> {
    let entries: BTreeMap<&String, Entry> = values
        .iter()
        .map(|(key, held)| {
            (key, Entry { value: held.value.clone(), until: held.until.map(|until| until.to_string()) })
        })
        .collect();
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = create(&draft).and_then(|mut file| {
        serde_json::to_writer_pretty(&mut file, &entries)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn problem(path: &Path, message: String) -> Problem {
    let public = "the kept values cannot be read";
    Problem::plain(message)
        .public_message(public)
        .at(Origin::whole(path))
        .help("mend the file, or delete it: then no value is set at run time")
}
