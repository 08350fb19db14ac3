//! Files that belong together.

use crate::support::{Folder, is_long_tier, options, text, wait_until};
use crate::workload::Random;
use filewatch::{Live, Notice, ReadError};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Files that are always changed together are never seen apart, though the build learns the name of one only from another.
#[test]
fn files_that_belong_together_are_seen_together() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    let swap = |number: u64| {
        let version = format!("..v{number}");
        folder.write(&format!("{version}/first"), &number.to_string());
        folder.write(&format!("{version}/second-{number}"), &number.to_string());
        folder.write(&format!("{version}/third"), &number.to_string());
        std::os::unix::fs::symlink(&version, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        if let Some(before) = number.checked_sub(3) {
            let _ = fs::remove_dir_all(folder.join(&format!("..v{before}")));
        }
    };
    swap(0);
    let data = folder.join("..data");
    let build = move |files: &mut filewatch::Files<'_>,
                      _: Option<&_>|
          -> Result<Option<(String, String, String)>, ReadError> {
        let first = text(files, &data.join("first"))?;
        thread::sleep(Duration::from_micros(300));
        let second = text(files, &data.join(format!("second-{first}")))?;
        let third = text(files, &data.join("third"))?;
        Ok(Some((first, second, third)))
    };
    let apart = Arc::<AtomicUsize>::default();
    let counts = Arc::clone(&apart);
    let notice = move |notice: Notice<'_, (String, String, String), ReadError>| match notice {
        Notice::Published { new, .. } if new.0 == new.1 && new.1 == new.2 => {}
        Notice::Published { .. } | Notice::Rejected { .. } => {
            counts.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    };
    let live = Live::open(options(), build, notice).unwrap();
    let mut random = Random(7);
    for number in 1..=300 {
        swap(number);
        random.pause(2000);
    }
    wait_until("the last swap is published", || live.load().0 == "300");
    assert_eq!(apart.load(Ordering::Relaxed), 0);
}
