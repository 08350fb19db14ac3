//! The texts of the two files that the page edits.

use thiserror::Error;

/// The reason why an edit cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("`{file}` has no line with `{missing}`, which this edit changes: restore that line")]
pub(crate) struct NoPlace {
    file: &'static str,
    missing: &'static str,
}

pub(crate) const CONFIG: &str = "config.yaml";
pub(crate) const PAGE: &str = "templates/index.html";

/// The beginning of the last section of the settings. A file that ends before it is not complete.
pub(crate) const SETTINGS: &str = "\nsettings:";

/// The mark of the line that the page adds to the template.
const OURS: &str = "<!-- from the compare page -->";

const MAIN: &str = "<main>";

impl NoPlace {
    /// There is no last section.
    pub(crate) fn settings() -> NoPlace {
        no_key("settings")
    }
}

/// The text with these values: the first one, one between, and the last one.
pub(crate) fn version(config: &str, name: &str, interval: u32) -> Result<String, NoPlace> {
    let text = set(&set(config, "app_name", name)?, "name", name)?;
    set(&text, "refresh_interval_seconds", &interval.to_string())
}

/// The text with a number in place of a bad value, so that the edit after a bad one is accepted.
pub(crate) fn mended(config: &str) -> Result<String, NoPlace> {
    let key = "refresh_interval_seconds";
    match value(config, key).ok_or(no_key(key))?.parse::<u32>() {
        Ok(_) => Ok(config.to_owned()),
        Err(_) => set(config, key, "5"),
    }
}

/// The text with another value of the key. A comment after it stays.
pub(crate) fn set(config: &str, key: &'static str, value: &str) -> Result<String, NoPlace> {
    let (start, end) = place(config, key).ok_or(no_key(key))?;
    Ok([&config[..start], value, &config[end..]].concat())
}

pub(crate) fn value<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    place(config, key).map(|(start, end)| &config[start..end])
}

/// The range of the value of the first such key, without a comment after it.
fn place(config: &str, key: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    for line in config.split_inclusive('\n') {
        let after = line.trim_start().strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
        if let Some(after) = after {
            let shown = after.split(" #").next().unwrap_or_default().trim();
            let start = at + line.len() - after.len() + after.find(shown).unwrap_or_default();
            return Some((start, start + shown.len()));
        }
        at += line.len();
    }
    None
}

/// The template with this line at the top of its main part, in place of an earlier one.
pub(crate) fn with_line(page: &str, line: &str) -> Result<String, NoPlace> {
    let mut text: String = page.split_inclusive('\n').filter(|line| !line.contains(OURS)).collect();
    let main = text.find(MAIN).ok_or(NoPlace { file: PAGE, missing: MAIN })?;
    let at = text[main..].find('\n').map_or(text.len(), |end| main + end + 1);
    text.insert_str(at, &format!("  {line}{OURS}\n"));
    Ok(text)
}

pub(crate) fn no_key(missing: &'static str) -> NoPlace {
    NoPlace { file: CONFIG, missing }
}

#[cfg(test)]
mod tests {
    use super::version;

    const YAML: &str = "# app_name: no\napp_name: Shop # ours\nsettings:\n  feature_flag_a:   true\n  \
                        refresh_interval_seconds: 5       # s\n";

    #[test]
    fn a_version_changes_the_first_value_one_between_and_the_last() {
        let yaml = YAML.replace("settings:", "database:\n  name: shop_db\nsettings:");
        let text = version(&yaml, "v3", 1003).unwrap();
        let expected =
            yaml.replace(": Shop", ": v3").replace("shop_db", "v3").replace("seconds: 5 ", "seconds: 1003 ");
        assert_eq!(text, expected);
        assert!(version(YAML, "v3", 1003).unwrap_err().to_string().contains("`name`"));
    }
}
