//! The same settings in each format.

use std::fmt::Write;

/// A format of settings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Yaml,
    Toml,
    Json,
}

impl Format {
    pub(super) const ALL: [Format; 3] = [Format::Yaml, Format::Toml, Format::Json];

    pub(super) fn ending(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Toml => "toml",
            Format::Json => "json",
        }
    }

    /// Settings with this number of routes.
    pub(super) fn text(self, routes: u32, seconds: u32) -> String {
        let mut text = match self {
            Format::Yaml => format!(
                "app_name: Measured\nport: 8080\n\
                 database: {{host: h, port: 5432, user: u, password: secure_password, name: n}}\n\
                 settings: {{log_level: info, feature_flag_a: true, refresh_interval_seconds: {seconds}}}\nroutes:\n"
            ),
            Format::Toml => format!(
                "app_name = \"Measured\"\nport = 8080\n\
                 database = {{host = \"h\", port = 5432, user = \"u\", password = \"secure_password\", name = \"n\"}}\n\
                 settings = {{log_level = \"info\", feature_flag_a = true, refresh_interval_seconds = {seconds}}}\n[routes]\n"
            ),
            Format::Json => format!(
                "{{\"app_name\": \"Measured\", \"port\": 8080,\n\
                 \"database\": {{\"host\": \"h\", \"port\": 5432, \"user\": \"u\", \"password\": \"secure_password\", \"name\": \"n\"}},\n\
                 \"settings\": {{\"log_level\": \"info\", \"feature_flag_a\": true, \"refresh_interval_seconds\": {seconds}}},\n\"routes\": {{\n"
            ),
        };
        for key in 0..routes {
            let _ = match self {
                Format::Yaml => writeln!(text, "  /key-{key}: value {key}"),
                Format::Toml => writeln!(text, "\"/key-{key}\" = \"value {key}\""),
                Format::Json if key == 0 => write!(text, "  \"/key-{key}\": \"value {key}\""),
                Format::Json => write!(text, ",\n  \"/key-{key}\": \"value {key}\""),
            };
        }
        if matches!(self, Format::Json) {
            text.push_str("\n}}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_json_text_is_json() {
        let text: serde_json::Value = serde_json::from_str(&Format::Json.text(3, 7)).unwrap_or_default();
        assert_eq!(text["settings"]["refresh_interval_seconds"], 7);
        assert_eq!(text["routes"].as_object().map(serde_json::Map::len), Some(3));
    }
}
