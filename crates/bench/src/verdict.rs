//! The result of a storm: each published value is compared with the saves.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{follower::Told, saves::Save, stats, text::Text};

/// A version that stays for this time must be published before the next one, in nanoseconds.
const REST: u64 = 20_000_000;

/// The result of one storm or of several.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) saves: usize,
    pub(crate) published: usize,
    pub(crate) torn: usize,
    /// The torn values without a byte.
    pub(crate) empty: usize,
    /// The torn values whose writer paused for longer than the quiet period. The follower cannot avoid these.
    pub(crate) excused: usize,
    pub(crate) rejected: usize,
    /// The versions that rested and were not published before the next save.
    pub(crate) missed: usize,
    pub(crate) last_published: bool,
    /// The delays from just before the call that completed a save, in microseconds.
    pub(crate) delays: Vec<f64>,
}

impl Verdict {
    /// True if no value was torn without an excuse or rejected, and the last one was published.
    pub(crate) fn is_clean(&self) -> bool {
        self.torn == self.excused && self.rejected == 0 && self.last_published
    }

    /// Adds the result of the next storm.
    pub(crate) fn add(&mut self, next: Verdict) {
        self.saves += next.saves;
        self.published += next.published;
        self.torn += next.torn;
        self.empty += next.empty;
        self.excused += next.excused;
        self.rejected += next.rejected;
        self.missed += next.missed;
        self.last_published = next.last_published;
        self.delays.extend(next.delays);
    }

    pub(crate) fn figures(&self) -> Value {
        json!({
            "saves": self.saves,
            "published": self.published,
            "torn": self.torn,
            "torn_empty": self.empty,
            "torn_while_the_writer_was_held_up": self.excused,
            "rejected": self.rejected,
            "rested_but_not_published_in_time": self.missed,
            "last_published": self.last_published,
            "microseconds": stats::summary(self.delays.clone()),
        })
    }
}

pub(crate) fn judge(log: &[Save], heard: Vec<Told>, size: usize) -> Verdict {
    let mut verdict = Verdict { saves: log.len(), ..Verdict::default() };
    let saves: HashMap<u64, &Save> = log.iter().map(|save| (save.version, save)).collect();
    let mut seen: HashMap<u64, u64> = HashMap::new();
    for told in heard {
        let Told::Published { at, length, digest, first } = told else {
            verdict.rejected += 1;
            continue;
        };
        verdict.published += 1;
        let version = first.strip_prefix("version: ").and_then(|number| number.parse().ok());
        let whole = version.filter(|number| {
            let text = Text::Lines.version(*number, size);
            (text.len(), fnv(text.as_bytes())) == (length, digest)
        });
        if let Some(number) = whole {
            seen.entry(number).or_insert(at);
            continue;
        }
        verdict.torn += 1;
        verdict.empty += usize::from(length == 0);
        verdict.excused += usize::from(log.iter().any(|save| save.excuses(at)));
    }
    for pair in log.windows(2) {
        let rested = pair[1].begun.saturating_sub(pair[0].ended) >= REST;
        let in_time = seen.get(&pair[0].version).is_some_and(|at| *at <= pair[1].begun);
        verdict.missed += usize::from(rested && !in_time);
    }
    verdict.last_published = log.last().is_none_or(|save| seen.contains_key(&save.version));
    verdict.delays = seen
        .iter()
        .filter_map(|(version, at)| Some(at.saturating_sub(saves.get(version)?.whole)))
        .map(micros)
        .collect();
    verdict
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of some seconds")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

/// FNV-1a, as the follower computes it.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{fnv, judge};
    use crate::follower::Told;
    use crate::{saves::Save, text::Text};

    const SIZE: usize = 3500;

    fn published(at: u64, text: &str) -> Told {
        let first = text.lines().next().unwrap_or_default().to_owned();
        Told::Published { at, length: text.len(), digest: fnv(text.as_bytes()), first }
    }

    fn saved(version: u64, begun: u64, stalls: u64) -> Save {
        Save { version, begun, whole: begun + 100, ended: begun + 200, stalls }
    }

    #[test]
    fn only_what_was_saved_whole_is_whole() {
        let text = Text::Lines.version(2, SIZE);
        let rows = [
            ("whole", text.clone(), 0),
            ("cut off", text[..text.len() - 1].to_owned(), 1),
            ("one byte wrong", text.replacen('a', "b", 1), 1),
            ("empty", String::new(), 1),
        ];
        for (claim, read, torn) in rows {
            let verdict = judge(&[saved(1, 0, 0), saved(2, 1000, 0)], vec![published(1200, &read)], SIZE);
            assert_eq!((verdict.torn, verdict.last_published), (torn, torn == 0), "{claim}");
            assert_eq!(verdict.is_clean(), torn == 0, "{claim}");
        }
    }

    #[test]
    fn a_writer_that_was_held_up_excuses_only_what_was_read_meanwhile() {
        let log = [saved(1, 0, 1), saved(2, 900_000_000, 0)];
        let excused = judge(&log, vec![published(100, "version: 1\n")], SIZE);
        assert_eq!((excused.torn, excused.excused), (1, 1));
        let torn = judge(&log, vec![published(900_000_100, "version: 2\n")], SIZE);
        assert_eq!((torn.torn, torn.excused), (1, 0));
    }
}
