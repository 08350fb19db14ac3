//! The first section of code: `examples/minimal.rs` of each demo beside the program of its counterpart.

use maud::{Markup, html};

use super::{
    demo::{DEMOS, Demo, lines_of_code},
    excerpt::excerpt,
    highlight::Language,
};

/// The eight programs, and a switch that says which of them are shown.
pub(crate) fn minimal() -> Markup {
    html! {
        section.concern id="code-minimal" aria-labelledby="code-minimal-title" {
            h3 id="code-minimal-title" { "minimal" }
            p.note {
                "The page and the JSON with live settings, on the framework's own server: " code { "examples/minimal.rs" }
                " of each demo, beside a server in Go that shows the same page."
            }
            fieldset.sides-switch {
                legend { "Programs" }
                @for (nth, demo) in DEMOS.iter().enumerate() {
                    (choice(demo.name, &format!("{} and {}", demo.name, demo.counterpart.name), nth == 0))
                }
                (choice("rust", "the four in Rust", false))
                (choice("go", "the four in Go", false))
            }
            div.sides {
                @for demo in &DEMOS { (ours(demo)) (theirs(demo)) }
            }
        }
    }
}

fn choice(name: &str, words: &str, is_chosen: bool) -> Markup {
    html! {
        label {
            input type="radio" name="sides" value=(name) id={ "side-" (name) } checked[is_chosen] autocomplete="off";
            span { (words) }
        }
    }
}

fn ours(demo: &Demo) -> Markup {
    html! {
        div.side.rust.(demo.name) {
            h4 { (demo.name) small { " Rust, lines of code: " (lines_of_code(demo.minimal)) } }
            (excerpt(&format!("{}/examples/minimal.rs", demo.program), demo.minimal, &[], Language::Rust))
            p.tally {
                "On " code { "configs" } " and " code { "views" } ". An edit of the settings or of a template is validated, and is \
                 in force for the next request."
            }
        }
    }
}

fn theirs(demo: &Demo) -> Markup {
    let Demo { name, counterpart, .. } = demo;
    let lines: usize = counterpart.sources.iter().map(|(_, text)| lines_of_code(text)).sum();
    html! {
        div.side.go.(name) {
            h4 { (counterpart.name) small { " Go, lines of code: " (lines) } }
            @for (path, text) in counterpart.sources {
                (excerpt(&format!("bench/peers/go/{path}"), text, &[], Language::Go))
            }
            p.tally { (counterpart.note) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::minimal;

    #[test]
    fn every_demo_is_beside_its_counterpart() {
        let shown = minimal().into_string();
        let sides: Vec<&str> = shown.split("<div class=\"side ").skip(1).collect();
        let heads: Vec<&str> = sides.iter().map(|side| side.split('"').next().unwrap()).collect();
        let expected = [
            "rust axum",
            "go axum",
            "rust actix-web",
            "go actix-web",
            "rust warp",
            "go warp",
            "rust poem",
            "go poem",
        ];
        assert_eq!(heads, expected);
        for (side, words) in
            sides.iter().zip(["axum", "gin", "actix_web", "fiber", "warp", "echo", "poem", "gf"])
        {
            assert!(side.contains(words), "{words}");
        }
        assert_eq!((shown.matches("type=\"radio\"").count(), shown.matches(" checked").count()), (6, 1));
    }
}
