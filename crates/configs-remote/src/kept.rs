//! The copy of a source's last good text on disk.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use configs::{Format, SourceDocument, SourceText};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fetched::MAX_TEXT;

/// The place of a source's copy.
pub(crate) struct Kept {
    path: PathBuf,
    source: String,
}

/// A text, and when the source has sent it.
#[derive(Clone)]
pub(crate) struct KeptText {
    pub(crate) text: SourceText,
    pub(crate) fetched: SystemTime,
}

#[derive(Deserialize, Serialize)]
struct Record {
    /// The name of the source, for a reader of the file.
    source: String,
    version: String,
    /// Seconds since 1970.
    fetched: u64,
    documents: Vec<Document>,
    /// The SHA-256 of all that stands above it.
    sha256: String,
}

#[derive(Deserialize, Serialize)]
struct Document {
    name: String,
    format: String,
    text: String,
}

/// A text in JSON is at most six times as long: `\u0001`.
const MAX_FILE: u64 = 8 * MAX_TEXT as u64;

/// The folder in which the copies of a program belong: `$STATE_DIRECTORY`, which systemd sets, or one that is named after the program
/// in `$XDG_STATE_HOME` or `~/.local/state`.
pub fn state_folder(program: &str) -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("STATE_DIRECTORY")
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join(program)))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state").join(program)))
}

impl Kept {
    /// The copy of the source with this name in a folder.
    pub(crate) fn new(folder: &Path, source: &str) -> Kept {
        let file = format!("{}.json", &sha256(source.as_bytes())[..16]);
        Kept { path: folder.join(file), source: source.to_owned() }
    }

    /// Reads the copy. One that is damaged or of another source counts as none, and is named in the log.
    pub(crate) fn read(&self) -> Option<KeptText> {
        let warn = |why: &dyn std::fmt::Display| {
            tracing::warn!("{}: the copy `{}` is not used: {why}", self.source, self.path.display());
        };
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                warn(&error);
                return None;
            }
            Ok(_) => {}
        }
        let record =
            serde_json::from_slice(&bytes).ok().filter(|record: &Record| record.sha256 == sum(record));
        match record {
            Some(record) if record.source == self.source => Some(record.text()),
            Some(_) => {
                warn(&"it is of another source");
                None
            }
            None => {
                warn(&"it is damaged");
                None
            }
        }
    }

    /// Replaces the copy by a rename, so that it is always whole. Only its owner can read it.
    pub(crate) fn write(&self, kept: &KeptText) -> io::Result<()> {
        let record = Record::of(&self.source, kept)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        // Several processes may keep the same source.
        let draft = self.path.with_extension(format!("{}.draft", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&draft).and_then(|mut file| {
            file.write_all(&serde_json::to_vec_pretty(&record)?)?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

impl Record {
    fn of(source: &str, kept: &KeptText) -> io::Result<Record> {
        let document = |document: &SourceDocument| {
            let text = str::from_utf8(&document.text).map_err(|_| ErrorKind::InvalidData)?;
            let (name, format) = (document.name.clone(), format_name(document.format).to_owned());
            Ok(Document { name, format, text: text.to_owned() })
        };
        let mut record = Record {
            source: source.to_owned(),
            version: kept.text.version.clone(),
            fetched: kept.fetched.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
            documents: kept.text.documents.iter().map(document).collect::<io::Result<_>>()?,
            sha256: String::new(),
        };
        record.sha256 = sum(&record);
        Ok(record)
    }

    fn text(self) -> KeptText {
        let document = |document: Document| SourceDocument {
            name: document.name,
            format: format(&document.format),
            text: document.text.into_bytes().into(),
        };
        let documents = self.documents.into_iter().map(document).collect();
        let fetched = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.fetched));
        KeptText {
            text: SourceText { version: self.version, documents },
            fetched: fetched.unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Toml => "toml",
        _ => "yaml",
    }
}

fn format(name: &str) -> Format {
    match name {
        "json" => Format::Json,
        "toml" => Format::Toml,
        _ => Format::Yaml,
    }
}

/// The checksum of a record. A length stands before each part, so that no part runs into the next.
fn sum(record: &Record) -> String {
    let Record { source, version, fetched, documents, .. } = record;
    let mut parts = vec![source.clone(), version.clone(), fetched.to_string()];
    for Document { name, format, text } in documents {
        parts.extend([name.clone(), format.clone(), text.clone()]);
    }
    let mut all = String::new();
    for part in parts {
        let _ = write!(all, "{} {part}", part.len());
    }
    sha256(all.as_bytes())
}

/// The SHA-256 in 64 hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use configs::{Format, SourceDocument, SourceText};

    use super::{Kept, KeptText};

    fn text(version: &str) -> KeptText {
        let document = SourceDocument {
            name: "http://a/b.toml".to_owned(),
            format: Format::Toml,
            text: b"a = \"\xc3\xa9\"\n".to_vec().into(),
        };
        let text = SourceText { version: version.to_owned(), documents: [document].into() };
        KeptText { text, fetched: SystemTime::now() }
    }

    #[test]
    fn a_copy_comes_back_as_it_was_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(&folder.path().join("a/b"), "http://a/b.toml");
        assert!(kept.read().is_none());
        kept.write(&text("1")).unwrap();
        kept.write(&text("2")).unwrap();
        assert!(kept.read().unwrap().text == text("2").text);
        let mode = fs::metadata(&kept.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(folder.path().join("a/b")).unwrap().collect();
        assert_eq!(left.len(), 1, "no draft is left");
    }

    #[test]
    fn a_damaged_copy_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path(), "http://a/b.toml");
        kept.write(&text("1")).unwrap();
        let good = fs::read_to_string(&kept.path).unwrap();
        for (from, to) in
            [("\"1\"", "\"2\""), ("a = ", "b = "), ("toml\"", "yaml\""), ("}", ""), ("http://a", "http://b")]
        {
            fs::write(&kept.path, good.replacen(from, to, 1)).unwrap();
            assert!(kept.read().is_none(), "{from} -> {to}");
        }
        fs::write(&kept.path, [0xff, 0xfe]).unwrap();
        assert!(kept.read().is_none());
        fs::write(&kept.path, good).unwrap();
        assert!(kept.read().is_some());
    }
}
