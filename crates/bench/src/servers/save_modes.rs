//! The ways in which a configuration file is saved.

use std::{fs, fs::File, io, io::Write as _, path::Path, thread::sleep, time::Duration};

/// A way of saving a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveMode {
    /// The file is emptied and written in one step, as by most editors and `echo >`.
    InPlace,
    /// The same in three steps with 0.1 ms between them, as with a larger file or a busy disk.
    InPieces,
    /// Another file is written and renamed.
    ByRename,
}

impl SaveMode {
    pub(crate) const ALL: [SaveMode; 3] = [SaveMode::InPlace, SaveMode::InPieces, SaveMode::ByRename];

    /// Its name in figures.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            SaveMode::InPlace => "in place",
            SaveMode::InPieces => "in pieces",
            SaveMode::ByRename => "by rename",
        }
    }

    pub(crate) fn save(self, path: &Path, text: &str) -> io::Result<()> {
        match self {
            SaveMode::InPlace => fs::write(path, text),
            SaveMode::InPieces => in_pieces(path, text.as_bytes()),
            SaveMode::ByRename => {
                let beside = path.with_extension("saving");
                fs::write(&beside, text)?;
                fs::rename(beside, path)
            }
        }
    }
}

fn in_pieces(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for piece in text.chunks(text.len().div_ceil(3).max(1)) {
        file.write_all(piece)?;
        sleep(Duration::from_micros(100));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::SaveMode;

    #[test]
    fn every_way_leaves_the_text_and_nothing_else() {
        for mode in SaveMode::ALL {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("config.yaml");
            for text in ["a: 1\nb: 2\n", "b", ""] {
                mode.save(&path, text).unwrap();
                assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{mode:?}");
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{mode:?}");
        }
    }
}
