//! The texts of a storm. Each one contains its version number.

use std::fmt::Write as _;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Text {
    /// `text.html`, lines that mean nothing: as YAML they are strings, as a template they are themselves
    Lines,
    /// `lower.yaml` and `upper.yaml`, by turns: two layers of a demo's configuration
    Layers,
    /// `templates/index.html`
    Template,
}

impl Text {
    pub(crate) fn file(self, version: u64) -> &'static str {
        match self {
            Text::Lines => "text.html",
            Text::Layers if version.is_multiple_of(2) => "lower.yaml",
            Text::Layers => "upper.yaml",
            Text::Template => "templates/index.html",
        }
    }

    /// The text of a version. It contains the version at its beginning and at its end. Texts of two versions have no line in
    /// common that tells versions apart.
    pub(crate) fn version(self, number: u64, size: usize) -> String {
        match self {
            Text::Lines => lines(number, size),
            Text::Layers if number.is_multiple_of(2) => {
                let head = format!("app_name: v{number}\nport: 8080\nroutes:\n");
                let tail = format!(
                    "database:\n  host: localhost\n  port: 5432\n  user: admin\n  password: secure_password\n  name: v{number}\n"
                );
                layer(&head, "low", number, &tail)
            }
            Text::Layers => {
                let tail = format!(
                    "settings:\n  log_level: warn\n  feature_flag_a: true\n  refresh_interval_seconds: {}\n",
                    number % 86_400 + 1
                );
                layer("routes:\n", "up", number, &tail)
            }
            Text::Template => {
                let mut text = format!("begin v{number} {{{{ app_name }}}}\n");
                for line in 0..66 + number % 17 {
                    let _ = writeln!(text, "line v{number} {line:03} {:032x}", noise(number, line));
                }
                let _ = write!(text, "end v{number} {{{{ database.name }}}}\n{{# that was all #}}");
                text
            }
        }
    }
}

fn lines(number: u64, size: usize) -> String {
    let mut text = format!("version: {number}\n");
    let spread = size / 8;
    let size = size + usize::try_from(number % 17).unwrap_or(0) * spread / 17;
    let mut line = 0;
    while text.len() < size {
        let _ = writeln!(text, "key_{line:03}: {:032x}", noise(number, line));
        line += 1;
    }
    text
}

/// Ten routes between many comments.
fn layer(head: &str, name: &str, number: u64, tail: &str) -> String {
    let mut text = head.to_owned();
    for route in 0..10 {
        let _ = writeln!(text, "  /{name}{route}: v{number}");
        for line in 0..4 + number % 2 {
            let _ = writeln!(text, "  # {number} {:064x}", noise(number, route * 10 + line));
        }
    }
    text + tail
}

fn noise(number: u64, line: u64) -> u128 {
    u128::from(number) * 0x9E37_79B9_7F4A_7C15_F39C + u128::from(line)
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn every_version_tells_itself_apart_at_both_ends_and_is_of_some_kilobytes() {
        for text in [Text::Lines, Text::Layers, Text::Template] {
            for number in [1, 2, 39_999, 40_000] {
                let (one, other) = (text.version(number, 3500), text.version(number + 2, 3500));
                assert!((3000..5500).contains(&one.len()), "{text:?} {}", one.len());
                // Neither is a prefix of the other.
                let shorter = one.len().min(other.len());
                assert_ne!(one[..shorter], other[..shorter]);
            }
        }
    }
}
