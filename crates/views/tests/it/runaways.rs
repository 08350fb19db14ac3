//! Templates that would never end.

use views::{Error, Views};

use crate::folder::{Folder, VISITOR};

#[test]
fn a_page_may_be_eight_mebibytes_long_and_no_longer() {
    let kibibyte = "x".repeat(1024);
    for (turns, fits) in [(8192, true), (8193, false)] {
        let rendered = rendered(&format!("{{% for i in range(end={turns}) %}}{kibibyte}{{% endfor %}}"));
        assert_eq!(rendered.is_ok(), fits, "{turns} KiB");
        if let Err(error) = rendered {
            assert!(error.message().contains("more than 8 MiB"), "{error}");
            assert_eq!(error.public(), "index.html: the page grows too long or too deep");
        }
    }
}

#[test]
fn a_loop_that_runs_away_is_an_error_at_its_place() {
    for (text, line, column) in [
        ("{% for a in range(end=99999) %}\n {% for b in range(end=99999) %} {% endfor %}{% endfor %}", 2, 2),
        ("{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% endfor %}{% endfor %}", 1, 32),
        ("{% set r = range(end=99999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}", 1, 47),
        ("{% set r = range(end=99999) %}{% for a in r -%} {% for b in r -%} {% endfor %}{% endfor %}", 1, 49),
        (
            "{% set r = range(end=9999) %}{% set x %}{% for a in r %}{% for b in r %}x{% endfor %}{% endfor %}{% endset %}",
            1,
            57,
        ),
    ] {
        let error = rendered(text).err().unwrap_or_else(|| panic!("{text} renders"));
        assert!(error.message().contains("more than 250000 steps"), "{error}");
        assert_eq!((error.line(), error.column()), (Some(line), Some(column)), "{text}");
    }
}

#[test]
fn a_quarter_of_a_million_turns_are_not_too_many() {
    let text = "{% for a in range(end=499) %}{% for b in range(end=499) %}{% endfor %}{% endfor %}";
    rendered(text).unwrap();
}

#[test]
fn templates_nest_to_a_depth_that_fits_on_the_stack() {
    for (templates, fits) in [(20, true), (255, false)] {
        let includes = chain(templates, |next| format!("{{% include \"{next}\" %}}"));
        let page = includes.open().map(|views| views.load().render("index.html", &VISITOR).unwrap());
        assert_eq!(page.is_ok(), fits, "{templates} includes");
        if let Err(error) = page {
            assert!(error.message().contains("nested too deeply"), "{error}");
        }
    }
    let supers = chain(255, |next| {
        format!("{{% extends \"{next}\" %}}{{% block a %}}{{{{ super() }}}}{{% endblock %}}")
    });
    assert!(supers.open().err().unwrap().message().contains("nested too deeply"));
    let components = "{% component a() %}{{ <a/> }}{% endcomponent a %}{{ <a/> }}";
    assert!(rendered(components).is_err());
}

/// `index.html` that leads to the next template, and so on.
fn chain(templates: usize, link: impl Fn(&str) -> String) -> Folder {
    let folder = Folder::of(&[("index.html", &link("0.html"))]);
    for at in 0..templates - 2 {
        folder.write(&format!("{at}.html"), link(&format!("{}.html", at + 1)));
    }
    folder.write(&format!("{}.html", templates - 2), "{% block a %}end{% endblock %}");
    folder
}

fn rendered(text: &str) -> Result<Views, Error> {
    Folder::of(&[("index.html", text)]).open()
}
