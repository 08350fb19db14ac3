//! The known name that a misspelt one was probably meant to be.

/// The nearest candidate, if at most a third of the written characters differ.
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

/// The number of typing slips. The beginning of a longer name counts as one.
fn distance(written: &str, candidate: &str) -> usize {
    if written.len() >= 4 && candidate.starts_with(written) {
        return usize::from(written != candidate);
    }
    strsim::damerau_levenshtein(written, candidate)
}

/// A name without dashes and in lower case: names that differ in these alone are compared as equal.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_name_finds_the_known_one() {
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
}
