//! Go's template syntax, for those who bring their templates from there.

/// The form in Tera of the first action in Go's syntax on this line: `{{.AppName}}` is `{{ app_name }}`. None if there is none.
pub(crate) fn tera_form(line: &str) -> Option<String> {
    line.split("{{").skip(1).find_map(|rest| {
        let action = rest.split("}}").next()?.trim_matches('-').trim();
        match action.split_once(' ') {
            Some(("if", condition)) => Some(format!("{{% if {} %}}", variable(condition.trim())?)),
            Some(("range", list)) => Some(format!("{{% for item in {} %}}", variable(list.trim())?)),
            _ => Some(format!("{{{{ {} }}}}", variable(action)?)),
        }
    })
}

/// `database.host` of `.Database.Host`.
fn variable(field: &str) -> Option<String> {
    let names: Vec<&str> = field.strip_prefix('.')?.split('.').collect();
    let is_name = |name: &&str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    names.iter().all(is_name).then(|| names.iter().map(|name| snake_case(name)).collect::<Vec<_>>().join("."))
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut before = None;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase()) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::tera_form;

    #[test]
    fn gos_syntax_is_answered_with_teras() {
        for (line, expected) in [
            ("<h1>{{.AppName}}</h1>", Some("{{ app_name }}")),
            ("{{ .Database.Host }}", Some("{{ database.host }}")),
            ("{{ title }} {{- .Settings.LogLevel -}}", Some("{{ settings.log_level }}")),
            ("{{if .FeatureFlag}}", Some("{% if feature_flag %}")),
            ("{{ range .Items }}", Some("{% for item in items %}")),
            ("{{.ID}}", Some("{{ id }}")),
            ("{{ app_name }}", None),
            ("{{ . }}", None),
            ("{{ .5 + x }}", None),
            ("{{ unclosed", None),
            ("nothing", None),
        ] {
            assert_eq!(tera_form(line).as_deref(), expected, "{line}");
        }
    }
}
