//! "Did you mean".

/// The candidate that was most likely meant, if one is close enough to be worth saying.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = folded(written);
    let tolerance = written.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&written, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Typing half of a long name is one slip.
fn distance(written: &str, candidate: &str) -> usize {
    if written.len() >= 4 && candidate.starts_with(written) {
        return usize::from(written != candidate);
    }
    strsim::damerau_levenshtein(written, candidate)
}

/// Whether a key from a file may be repeated: it looks like a name. Anything else may be a value that lost its way.
pub(crate) fn speakable(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A name as it is compared: case and the kind of dash do not count.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{nearest, speakable};

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let keys = ["host", "port", "password", "log_level", "refresh_interval_seconds"];
        for (written, meant) in [
            ("prot", Some("port")),
            ("pasword", Some("password")),
            ("logLevel", Some("log_level")),
            ("log-level", Some("log_level")),
            ("refresh_interval", Some("refresh_interval_seconds")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, keys), meant, "{written}");
        }
    }

    #[test]
    fn only_names_are_repeated() {
        for (key, expected) in
            [("pasword", true), ("log-level", true), ("", false), ("hunter 2", false), ("a=b", false)]
        {
            assert_eq!(speakable(key), expected, "{key}");
        }
    }
}
