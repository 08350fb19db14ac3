//! Templates whose values would grow without a limit: a kilobyte of text that would take all memory, or hours.

use std::process::Command;

use crate::folder::{Folder, VISITOR};

const VALUE: &str = "a value has more than 1 MiB";
const WORK: &str = "handles more than 32 MiB";
const NESTING: &str = "nested more than 64 levels deep";

/// Templates in place of `index.html`, each with the limit that it exceeds.
fn growing() -> Vec<(String, &'static str)> {
    let doubled = |double: &str| format!("{{% set a = 'xxxxxxxx' %}}{}", double.repeat(40));
    let large = "{% set a = 'xxxxxxxx' %}".to_owned() + &"{% set a = a ~ a %}".repeat(16);
    let list = "{% set a = range(end=99999) %}";
    let turns = |body: &str| format!("{{% for i in range(end=99999) %}}{body}{{% endfor %}}");
    vec![
        (doubled("{% set a = a ~ a %}"), VALUE),
        (doubled("{% set_global a = a ~ a %}"), VALUE),
        (doubled("{% set a %}{{ a }}{{ a }}{% endset %}"), VALUE),
        (doubled("{% set a %}{% filter safe %}{{ a }}{{ a }}{% endfilter %}{% endset %}"), VALUE),
        (doubled("{% set a = [a, a] %}"), VALUE),
        (doubled("{% set a = {'a': a, 'b': a} %}"), VALUE),
        (doubled("{% set a = __tera_context %}{% set b = a %}"), VALUE),
        (doubled("{% set a = [...[a], ...[a]] %}"), VALUE),
        (doubled("{% set a = [a for b in [1, 2]] %}"), VALUE),
        (doubled("{% set a = a | replace(from='x', to='xx') %}"), VALUE),
        (format!("{{{{ 'x'{} }}}}", " | replace(from='x', to='xxxxxxxx')".repeat(20)), VALUE),
        (format!("{large}{{{{ a | replace(from='', to=a) }}}}"), VALUE),
        (format!("{large}{{{{ [a, a, a, a] | join(sep=a) }}}}"), VALUE),
        (format!("{list}{{{{ a | join(sep='a text between two items') }}}}"), VALUE),
        (format!("{}{{{{ a | indent(width=1000, blank=true) }}}}", large.replace('x', "\n")), VALUE),
        (format!("{large}{{{{ a{} }}}}", " ~ a".repeat(100)), WORK),
        (
            format!(
                "{large}{{% if [{}] == 1 %}}{{% endif %}}{{{{ [{}] }}}}",
                "a,".repeat(60),
                "a,".repeat(60)
            ),
            WORK,
        ),
        (format!("{large}{}", turns("{% if a ~ 'x' == 'y' %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% if a == a ~ 'x' %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% if 'y' in a or a is containing(pat='y') %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% if a | upper %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% if a[0:1] == 'y' %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% if a[:1] == 'y' %}{% endif %}")), WORK),
        (format!("{large}{}", turns("{% for c in a %}{% break %}{% endfor %}")), WORK),
        (format!("{large}{{% set b %}}{}{{% endset %}}", turns("{{ a }}")), WORK),
        (format!("{large}{{% set c = a | safe %}}{{% set b %}}{}{{% endset %}}", turns("{{ c }}")), WORK),
        (format!("{{% set b %}}{}{{% endset %}}", turns(&"text ".repeat(180))), WORK),
        (format!("{list}{{% set b = [[c for c in a] for d in a] %}}"), WORK),
        (
            format!("{list}{{% set b = [{} for d in a] %}}", "[1 for c in 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx']"),
            WORK,
        ),
        (format!("{list}{{% set b = a | unique %}}"), WORK),
        (
            format!(
                "{}{{{{ a | length }}}}",
                turns("{% set_global a = [a] %}").replace("[a]", "[a | default(value=1)]")
            ),
            NESTING,
        ),
        (
            "{% component box(a) %}{{ <box a={a ~ a}/> }}{% endcomponent box %}{{ <box a='xxxxxxxx'/> }}"
                .to_owned(),
            VALUE,
        ),
        (
            format!(
                "{{% component box() %}}{{{{ body }}}}{{{{ body }}}}{{% endcomponent box %}}{}x{}",
                "{% <box> %}".repeat(30),
                "{% </box> %}".repeat(30)
            ),
            WORK,
        ),
    ]
}

#[test]
fn a_value_that_grows_without_a_limit_is_refused() {
    with_a_gigabyte("growing_values");
}

/// The engine would quote the whole line once for each call: gigabytes, and over a minute.
#[test]
fn ten_thousand_unknown_calls_on_one_line_are_refused() {
    with_a_gigabyte("ten_thousand_unknown_calls");
}

/// Runs the ignored test of this name in a process of its own that can have one gigabyte, so that a mistake here harms no other.
#[track_caller]
fn with_a_gigabyte(test: &str) {
    let this = std::env::current_exe().unwrap();
    let script = "ulimit -v 1048576; exec \"$0\" --exact \"$1\" --ignored --nocapture";
    let output =
        Command::new("sh").args(["-c", script]).arg(this).arg(format!("values::{test}")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run with limited memory by a_value_that_grows_without_a_limit_is_refused"]
fn growing_values() {
    // All are written first, since a failing start waits for files that are younger than the quiet period.
    let folders: Vec<_> = growing()
        .into_iter()
        .map(|(text, limit)| (Folder::of(&[("index.html", &text)]), text, limit))
        .collect();
    for (folder, text, limit) in folders {
        let error = folder.open().err();
        let error = error.unwrap_or_else(|| panic!("it renders: {text}"));
        assert!(error.message().contains(limit), "{text}: {error}");
        assert_eq!(error.public().split(": ").last(), Some("the page grows too long or too deep"));
    }
}

#[test]
#[ignore = "run with limited memory by ten_thousand_unknown_calls_on_one_line_are_refused"]
fn ten_thousand_unknown_calls() {
    for (call, words) in [
        ("{{ a | shout }}", "unknown filter `shout`"),
        ("{% filter shout %}{% endfilter %}", "unknown filter `shout`"),
        ("{{ a is loud }}", "unknown test `loud`"),
        ("{{ shout() }}", "unknown function `shout`"),
        ("{{ <shout/> }}", "unknown component `shout`"),
        ("{% <shout> %}{% </shout> %}", "unknown component `shout`"),
        ("{% include 'gone.html' %}", "unknown template `gone.html`"),
    ] {
        let folder = Folder::of(&[("index.html", &call.repeat(10_000))]);
        let message = folder.open().err().unwrap().message();
        assert!(message.contains("index.html:1:") && message.contains(words), "{call}: {message}");
        assert!(message.ends_with(&format!("{words}; and 9990 more")), "{call}: {message}");
    }
    let blocks: Vec<String> = (0..10_000).map(|at| format!("{{% block b{at} %}}{{% endblock %}}")).collect();
    let child = format!("{{% extends 'base.html' %}}{}", blocks.concat());
    let folder = Folder::of(&[("index.html", &child), ("base.html", "x")]);
    let message = folder.open().err().unwrap().message();
    assert!(message.contains("block `b0` is not defined in any parent template"), "{message}");
    assert!(message.ends_with("and 9990 more"), "{message}");
}

#[test]
fn a_page_that_handles_many_values_within_the_limits_is_rendered() {
    let rows = "{% for i in range(end=5000) %}{% set name = 'row ' ~ i | str | upper %}\
                <tr class=\"{{ 'odd' if i is odd else 'even' }}\"><td>{{ name }}</td><td>{{ name[0:3] | lower }}</td>\
                {% if name == 'row 7' or name in ['row 8', 'row 9'] %}<td>{{ name | replace(from='row', to='ROW') }}</td>{% endif %}\
                </tr>{% endfor %}";
    let text = format!(
        "{{% component cell(text, class='a') %}}<i class=\"{{{{ class }}}}\">{{{{ text }}}}</i>{{% endcomponent cell %}}\
         {{% set rows %}}{rows}{{% endset %}}{{{{ rows }}}}{{{{ rows | length }}}}\
         {{{{ [i * 2 for i in range(end=100) if i is even] | join(sep=', ') | indent }}}}\
         {{{{ <cell text={{name ~ '!'}}/> }}}}{{{{ [3, 1, 3] | unique | sort | first }}}}{{{{ 'a\n\nb\n' | indent(first=true) }}}}"
    );
    let page =
        Folder::of(&[("index.html", &text)]).open().unwrap().load().render("index.html", &VISITOR).unwrap();
    assert_eq!(page.matches("<tr class=\"odd\">").count(), 2500);
    let cell = "<i class=\"a\">&lt;Ada &amp; &quot;Co&quot;&gt;!</i>";
    assert!(page.ends_with(&format!("192, 196{cell}1    a\n\n    b\n")), "{}", &page[page.len() - 200..]);
}

#[test]
fn templates_that_extend_each_other_too_often_are_refused() {
    for (parents, fits) in [(50, true), (51, false)] {
        let folder = Folder::of(&[("index.html", "fine")]);
        for at in 0..parents {
            folder.write(&format!("{at}.html"), format!("{{% extends '{}.html' %}}", at + 1));
        }
        folder.write(&format!("{parents}.html"), "{% block a %}{% endblock %}");
        let error = folder.open().err().map(|error| error.message());
        assert_eq!(error.is_none(), fits, "{error:?}");
        assert!(
            error.is_none_or(|error| error.contains(
                "0.html: the templates are nested too deeply: this one extends more than 50 others"
            ))
        );
    }
}

#[test]
fn a_message_quotes_no_more_than_the_beginning_of_a_long_value() {
    let folder =
        Folder::of(&[("index.html", &format!("{{{{ throw(message='{}') }}}}", "x".repeat(1 << 19)))]);
    assert!(folder.open().err().unwrap().message().len() < 4000);
    let folder = Folder::of(&[("index.html", &"{{ nobody() }}".repeat(50))]);
    let message = folder.open().err().unwrap().message();
    assert!(message.ends_with("index.html:1:130: unknown function `nobody`; and 40 more"), "{message}");
}
