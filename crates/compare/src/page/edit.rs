//! The edits that the page can make.

use super::site_files::{CONFIG, NoPlace, PAGE, mended, no_key, set, value, with_line};

/// The edit that a button makes in every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Value,
    Flag,
    Template,
    BadValue,
    BadTemplate,
    Pieces,
    Back,
}

/// The new text of a file, and the sign that a server has read it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// The path of the file in the server's folder.
    pub(crate) file: &'static str,
    pub(crate) text: String,
    /// The new line, or none if the whole text is new.
    pub(crate) words: String,
    pub(crate) sign: Sign,
}

/// The sign that a server has read an edit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sign {
    /// The answer to a `GET` of this target has this text.
    Answer(&'static str, String),
    /// The page has this text, and nothing that was put into its template.
    Restored(String),
    /// A problem with this word is reported.
    Problem(String),
    /// Several versions are saved in pieces, and every page is whole.
    NothingTorn,
}

impl Sign {
    /// The target whose answer shows it.
    pub(crate) fn target(&self) -> &'static str {
        match self {
            Sign::Answer(target, _) => target,
            Sign::Restored(_) | Sign::Problem(_) | Sign::NothingTorn => "/",
        }
    }

    /// True if this answer shows that the edit is in force.
    pub(crate) fn is_in(&self, answer: &str) -> bool {
        match self {
            Sign::Answer(_, text) => answer.contains(text),
            Sign::Restored(text) => answer.contains(text) && !answer.contains(TEMPLATE_EDIT),
            Sign::Problem(_) | Sign::NothingTorn => false,
        }
    }
}

const TEMPLATE_EDIT: &str = "Template edit";

impl Edit {
    /// In the order of the buttons.
    pub(crate) const ALL: [Edit; 7] = [
        Edit::Value,
        Edit::Flag,
        Edit::Template,
        Edit::BadValue,
        Edit::BadTemplate,
        Edit::Pieces,
        Edit::Back,
    ];

    /// Its name in URLs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Edit::Value => "value",
            Edit::Flag => "flag",
            Edit::Template => "template",
            Edit::BadValue => "bad-value",
            Edit::BadTemplate => "bad-template",
            Edit::Pieces => "pieces",
            Edit::Back => "back",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Edit> {
        Edit::ALL.into_iter().find(|edit| edit.name() == name)
    }

    /// The text of its button.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Edit::Value => "Change a value",
            Edit::Flag => "Switch a flag",
            Edit::Template => "Change a template",
            Edit::BadValue => "Save a bad value",
            Edit::BadTemplate => "Save a bad template",
            Edit::Pieces => "Save in pieces",
            Edit::Back => "Put everything back",
        }
    }

    /// The new text of the file that it changes, from the current texts of both files. `number` must be new.
    pub(crate) fn draft(self, number: u64, config: &str, page: &str) -> Result<Draft, NoPlace> {
        match self {
            Edit::Value => {
                let name = format!("Edit {number}");
                let text = set(&mended(config)?, "app_name", &name)?;
                Ok(in_config(text, format!("app_name: {name}"), Sign::Answer("/", format!(">{name}<"))))
            }
            Edit::Flag => {
                let is_on = value(config, "feature_flag_a").ok_or(no_key("feature_flag_a"))? == "true";
                let now = if is_on { "false" } else { "true" };
                let text = set(&mended(config)?, "feature_flag_a", now)?;
                let sign = Sign::Answer("/dynamic-config", format!("\"feature_flag_a\":{now}"));
                Ok(in_config(text, format!("feature_flag_a: {now}"), sign))
            }
            Edit::Template => {
                let words = format!("{TEMPLATE_EDIT} {number}");
                let text = with_line(page, &format!("<p>{words}</p>"))?;
                Ok(in_page(text, words.clone(), Sign::Answer("/", format!("<p>{words}</p>"))))
            }
            Edit::BadValue => {
                let word = format!("soon-{number}");
                let text = set(config, "refresh_interval_seconds", &word)?;
                Ok(in_config(text, format!("refresh_interval_seconds: {word}"), Sign::Problem(word)))
            }
            Edit::BadTemplate => {
                let variable = format!("a_typo_{number}");
                let words = format!("{{{{ {variable} }}}}");
                let text = with_line(page, &format!("<p>{words}</p>"))?;
                Ok(in_page(text, words, Sign::Problem(variable)))
            }
            Edit::Pieces => {
                let words = "20 saves: emptied, a part written, the rest written, with pauses".to_owned();
                Ok(in_config(mended(config)?, words, Sign::NothingTorn))
            }
            // The caller has saved the template before.
            Edit::Back => {
                let name = value(config, "app_name").ok_or(no_key("app_name"))?;
                let sign = Sign::Restored(format!(">{name}<"));
                Ok(in_config(config.to_owned(), String::new(), sign))
            }
        }
    }
}

fn in_config(text: String, words: String, sign: Sign) -> Draft {
    Draft { file: CONFIG, text, words, sign }
}

fn in_page(text: String, words: String, sign: Sign) -> Draft {
    Draft { file: PAGE, text, words, sign }
}

#[cfg(test)]
mod tests {
    use super::{CONFIG, Draft, Edit, PAGE, Sign};

    const YAML: &str = "# app_name: no\napp_name: Shop # ours\nsettings:\n  feature_flag_a:   true\n  \
                        refresh_interval_seconds: 5       # s\n";
    const HTML: &str = "<body>\n<main>\n<p>text</p>\n</main>\n";

    fn draft(edit: Edit, config: &str, page: &str) -> Draft {
        edit.draft(7, config, page).unwrap()
    }

    #[test]
    fn an_edit_changes_its_own_place_alone() {
        for (edit, from, to) in [
            (Edit::Value, "app_name: Shop #", "app_name: Edit 7 #"),
            (Edit::Flag, "feature_flag_a:   true", "feature_flag_a:   false"),
            (Edit::BadValue, "seconds: 5  ", "seconds: soon-7  "),
        ] {
            let draft = draft(edit, YAML, HTML);
            assert_eq!((draft.file, draft.text), (CONFIG, YAML.replace(from, to)), "{edit:?}");
        }
        let draft = draft(Edit::Template, YAML, HTML);
        assert_eq!(draft.file, PAGE);
        assert!(draft.text.starts_with("<body>\n<main>\n  <p>Template edit 7</p>"), "{}", draft.text);
    }

    #[test]
    fn a_good_edit_mends_a_bad_one() {
        let bad = draft(Edit::BadValue, YAML, HTML).text;
        for edit in [Edit::Value, Edit::Flag] {
            assert!(draft(edit, &bad, HTML).text.contains("refresh_interval_seconds: 5 "), "{edit:?}");
        }
        let bad = draft(Edit::BadTemplate, YAML, HTML);
        assert!(bad.text.contains("{{ a_typo_7 }}") && bad.sign == Sign::Problem("a_typo_7".into()));
        let mended = draft(Edit::Template, YAML, &bad.text).text;
        assert!(!mended.contains("a_typo") && mended.matches("Template edit").count() == 1);
    }

    #[test]
    fn an_edit_without_its_line_names_the_line() {
        let missing = Edit::Value.draft(1, "settings:\n", HTML).unwrap_err();
        assert_eq!(
            missing.to_string().split(',').next(),
            Some("`config.yaml` has no line with `refresh_interval_seconds`")
        );
        assert!(Edit::Template.draft(1, YAML, "<body>").unwrap_err().to_string().contains("`<main>`"));
    }

    #[test]
    fn every_edit_is_found_by_its_name() {
        for edit in Edit::ALL {
            assert_eq!(Edit::of(edit.name()), Some(edit));
        }
        assert_eq!(Edit::of("else"), None);
    }
}
