//! Good templates.

use std::collections::BTreeMap;

use crate::folder::{Folder, VISITOR};

#[test]
fn values_are_escaped() {
    let folder = Folder::of(&[("index.html", "<p title=\"{{ name }}\">{{ name }}</p>")]);
    let page = folder.open().unwrap().load().render("index.html", &VISITOR).unwrap();
    let escaped = "&lt;Ada &amp; &quot;Co&quot;&gt;";
    assert_eq!(page, format!("<p title=\"{escaped}\">{escaped}</p>"));
}

#[test]
fn templates_include_and_extend_each_other_across_folders() {
    let folder = Folder::of(&[
        (
            "layouts/base.html",
            "<h1>{% block title %}none{% endblock %}</h1>{% include \"parts/foot.html\" %}",
        ),
        (
            "layouts/wide.html",
            "{% extends \"layouts/base.html\" %}{% block title %}wide {{ super() }}{% endblock %}",
        ),
        ("parts/foot.html", "<footer>{{ database.host }}</footer>"),
        (
            "index.html",
            "{% extends \"layouts/wide.html\" %}{% block title %}index {{ super() }}{% endblock %}",
        ),
    ]);
    let views = folder.open().unwrap();
    assert_eq!(
        views.load().render("index.html", &VISITOR).unwrap(),
        "<h1>index wide none</h1><footer>localhost</footer>"
    );
    let names: Vec<String> = views.load().names().map(str::to_owned).collect();
    assert_eq!(names, ["index.html", "layouts/base.html", "layouts/wide.html", "parts/foot.html"]);
}

#[test]
fn only_visible_html_files_are_templates() {
    let folder = Folder::of(&[
        ("index.html", "fine"),
        ("notes.txt", "{% broken"),
        ("index.html~", "{% broken"),
        (".index.html.swp", "{% broken"),
        (".hidden.html", "{% broken"),
        (".git/x.html", "{% broken"),
    ]);
    let views = folder.open().unwrap();
    assert_eq!(views.load().names().collect::<Vec<_>>(), ["index.html"]);
    assert_eq!(views.load().version(), 1);
}

#[test]
fn a_map_is_a_context_and_a_number_is_none() {
    let folder = Folder::of(&[("index.html", "{{ name }}")]);
    let views = folder.open().unwrap();
    let map = BTreeMap::from([("name", "Ada")]);
    assert_eq!(views.load().render("index.html", &map).unwrap(), "Ada");
    let error = views.load().render("index.html", &7).unwrap_err();
    assert!(error.message().contains("no struct or map"), "{error}");
}
