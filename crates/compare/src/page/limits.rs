//! The list of what each framework could not do, from `docs/frameworks.md`.

const TEXT: &str = include_str!("../../../../docs/frameworks.md");

/// The points about the framework of this name, except the praise and the advice. Links are replaced by their texts.
pub(crate) fn limits(framework: &str) -> Vec<String> {
    let heading = format!("\n## {framework}\n");
    let after = TEXT.split(&heading).nth(1).unwrap_or_default();
    let section = after.split("\n## ").next().unwrap_or_default();
    let mut points: Vec<String> = Vec::new();
    for line in section.lines().map(str::trim) {
        match (line.strip_prefix("- "), points.last_mut()) {
            (Some(point), _) => points.push(point.to_owned()),
            (None, Some(point)) if !line.is_empty() => *point = format!("{point} {line}"),
            _ => {}
        }
    }
    points.retain(|point| !point.starts_with("Good: ") && !point.starts_with("Take it "));
    points.iter().map(|point| without_links(point)).collect()
}

/// Replaces `[text](target)` by the text.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((words, after)) = link.split_once("](") else { break };
        let Some((_, after)) = after.split_once(')') else { break };
        plain.extend([before, words]);
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::{limits, without_links};
    use crate::page::demo::DEMOS;

    #[test]
    fn every_framework_has_its_points() {
        for demo in &DEMOS {
            let points = limits(demo.name);
            assert!(
                points.iter().any(|point| point.starts_with("Worked around")),
                "{}: {points:?}",
                demo.name
            );
            assert!(
                points.iter().all(|point| !point.contains("](") && !point.starts_with("Good")),
                "{points:?}"
            );
        }
        assert!(limits("none").is_empty());
    }

    #[test]
    fn a_link_is_its_text() {
        assert_eq!(without_links("see [`a::b`](../a.rs) and [c](d)."), "see `a::b` and c.");
        assert_eq!(without_links("an array[1] stays"), "an array[1] stays");
    }
}
