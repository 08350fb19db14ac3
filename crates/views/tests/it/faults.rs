//! Every kind of bad template, with the message and the place.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use filewatch::RebuildLock;
use views::{Error, Views};

use crate::folder::{Folder, trial};

/// A set of templates that must be refused: the files, the message, the place.
struct Fault {
    files: &'static [(&'static str, &'static str)],
    words: &'static str,
    place: (&'static str, u64, u64),
    public: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        files: &[("index.html", "<p>\n  {{ name | }}\n</p>")],
        words: "expected",
        place: ("index.html", 2, 13),
        public: "index.html:2:13: a syntax error",
    },
    Fault {
        files: &[("index.html", "{% if name %}\nno end")],
        words: "unexpected end of input",
        place: ("index.html", 2, 7),
        public: "index.html:2:7: a syntax error",
    },
    Fault {
        files: &[("index.html", "fine"), ("parts/a.html", "x{{ name | shout }}")],
        words: "unknown filter `shout`",
        place: ("parts/a.html", 1, 12),
        public: "parts/a.html:1:12: a call to something that does not exist",
    },
    Fault {
        files: &[("index.html", "{{ now() }}\n{% if name is loud %}{% endif %}")],
        words: "unknown function `now`; index.html:2:15: unknown test `loud`",
        place: ("index.html", 1, 4),
        public: "index.html:1:4: a call to something that does not exist",
    },
    Fault {
        files: &[("index.html", "\n{% include \"gone.html\" %}")],
        words: "unknown template `gone.html`",
        place: ("index.html", 2, 12),
        public: "index.html:2:12: a call to something that does not exist",
    },
    Fault {
        files: &[("index.html", "\n {% extends \"gone.html\" %}")],
        words: "extends `gone.html`, which the folder does not hold",
        place: ("index.html", 2, 13),
        public: "index.html:2:13: a call to something that does not exist",
    },
    Fault {
        files: &[("index.html", "a\n{% include \"index.html\" %}")],
        words: "includes itself: index.html > index.html",
        place: ("index.html", 2, 12),
        public: "index.html:2:12: a template that calls itself",
    },
    Fault {
        files: &[
            ("index.html", "{% include 'a.html' %}"),
            ("a.html", "{% include 'b.html' %}"),
            ("b.html", "\n{% include 'a.html' %}"),
        ],
        words: "includes itself: a.html > b.html > a.html",
        place: ("a.html", 1, 12),
        public: "a.html:1:12: a template that calls itself",
    },
    Fault {
        files: &[("index.html", "{% extends 'index.html' %}")],
        words: "extends in a circle: index.html > index.html",
        place: ("index.html", 1, 12),
        public: "index.html:1:12: a template that calls itself",
    },
    Fault {
        files: &[("a.html", "{% extends 'index.html' %}"), ("index.html", "{% extends 'a.html' %}")],
        words: "extends in a circle: a.html > index.html > a.html",
        place: ("a.html", 1, 12),
        public: "a.html:1:12: a template that calls itself",
    },
    Fault {
        files: &[("index.html", "<p>\n{{ nam }}")],
        words: "variable `nam` is not defined; available variables: database, name",
        place: ("index.html", 2, 4),
        public: "index.html:2:4: the page cannot be rendered",
    },
    Fault {
        files: &[("index.html", "{{ nam | upper }}")],
        words: "available variables: database, name",
        place: ("index.html", 1, 4),
        public: "index.html:1:4: the page cannot be rendered",
    },
    Fault {
        files: &[("index.html", "{% include 'part.html' %}"), ("part.html", "{{ database.password }}")],
        words: "field `password` is not defined; available fields: host, port",
        place: ("part.html", 1, 13),
        public: "part.html:1:13: the page cannot be rendered",
    },
    Fault {
        files: &[("index.html", "{{ name + 1 }}")],
        words: "requires both operands to be numbers",
        place: ("index.html", 1, 4),
        public: "index.html:1:4: the page cannot be rendered",
    },
    Fault {
        files: &[("index.html", "{{ throw(message=name) }}")],
        words: "<Ada & \"Co\">",
        place: ("index.html", 1, 4),
        public: "index.html:1:4: the page cannot be rendered",
    },
];

#[test]
fn every_fault_is_described_with_its_place() {
    for Fault { files, words, place: (template, line, column), public } in FAULTS {
        let folder = Folder::of(files);
        let error = refused(&folder);
        let message = error.message();
        let file = folder.path().join(template);
        let place = format!("{}:{line}:{column}: ", file.display());
        assert!(message.starts_with(&place) && message.contains(words), "{files:?}: {message}");
        assert_eq!((error.template(), error.file()), (Some(*template), Some(file.as_path())), "{message}");
        assert_eq!((error.line(), error.column()), (Some(*line), Some(*column)), "{message}");
        assert_eq!(error.public(), *public);
    }
}

#[test]
fn a_component_that_is_defined_twice_is_named() {
    let one = "{% component box() %}x{% endcomponent box %}";
    let error = refused(&Folder::of(&[("index.html", one), ("b.html", one)]));
    assert!(error.message().contains("`b.html` and `index.html`"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_pointed_into() {
    let folder = Folder::of(&[("index.html", "fine")]);
    folder.write("old.html", b"first\nna\xefve");
    let error = refused(&folder);
    assert_eq!((error.template(), error.line(), error.column()), (Some("old.html"), Some(2), Some(3)));
    assert!(error.message().contains("save it as UTF-8"), "{error}");
    assert_eq!(error.public(), "old.html:2:3: the templates' files cannot be used");
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    let folder = Folder::of(&[("index.html", "fine")]);
    fs::write(folder.path().join(OsStr::from_bytes(b"na\xefve.html")), "x").unwrap();
    assert!(refused(&folder).message().contains("rename it"));
}

#[test]
fn a_template_over_a_mebibyte_is_refused_and_one_of_a_mebibyte_is_not() {
    let folder = Folder::of(&[]);
    folder.write("index.html", vec![b'x'; 1 << 20]);
    folder.open().unwrap();
    folder.write("index.html", vec![b'x'; (1 << 20) + 1]);
    let error = refused(&folder);
    assert!(error.message().contains("index.html"), "{error}");
}

#[test]
fn an_empty_folder_and_a_missing_one_are_refused() {
    let folder = Folder::of(&[]);
    let error = refused(&folder);
    assert!(error.message().contains("expected at least one file that ends in `.html`"), "{error}");
    fs::remove_dir(folder.path()).unwrap();
    let error = refused(&folder);
    assert!(error.message().contains(&folder.path().display().to_string()), "{error}");
    assert!(!error.public().contains(&folder.path().display().to_string()), "{}", error.public());
    fs::write(folder.path(), "a file").unwrap();
    refused(&folder);
}

#[test]
fn a_folder_in_the_place_of_a_template_is_no_template() {
    let folder = Folder::of(&[("index.html", "fine"), ("part.html/inner.html", "inner")]);
    let views = folder.open().unwrap();
    assert_eq!(views.load().names().collect::<Vec<_>>(), ["index.html", "part.html/inner.html"]);
}

#[test]
fn too_many_templates_are_refused() {
    let folder = Folder::of(&[("index.html", "fine")]);
    for at in 0..1024 {
        folder.write(&format!("{at}.html"), "x");
    }
    assert!(refused(&folder).message().contains("holds 1025 templates, expected at most 1024"));
}

#[test]
fn a_missing_page_is_found_by_the_trial() {
    let folder = Folder::of(&[("other.html", "fine")]);
    let error = refused(&folder);
    assert!(error.message().contains("no such template, the folder holds other.html"), "{error}");
    Views::open(folder.path(), &RebuildLock::new(), |_| Ok(())).unwrap();
}

#[test]
fn a_set_is_refused_when_the_trial_refuses_or_panics() {
    let folder = Folder::of(&[("index.html", "fine")]);
    let refusal = Views::open(folder.path(), &RebuildLock::new(), |_| Err(Error::refused("not today")));
    assert_eq!(refusal.err().unwrap().message(), "not today");
    let panic = Views::open(folder.path(), &RebuildLock::new(), |_| panic!("on purpose"));
    assert!(panic.err().unwrap().message().contains("panicked"));
}

#[test]
fn no_value_of_a_variable_is_in_the_public_words() {
    let folder = Folder::of(&[("index.html", "{{ throw(message=name) }}{{ name | int }}")]);
    assert!(!refused(&folder).public().contains("Ada"));
    let control = refused(&folder).message();
    assert!(control.contains("Ada"), "the owner does see it: {control}");
}

fn refused(folder: &Folder) -> Error {
    match Views::open(folder.path(), &RebuildLock::new(), trial) {
        Ok(_) => panic!("{} is not refused", folder.path().display()),
        Err(error) => error,
    }
}
