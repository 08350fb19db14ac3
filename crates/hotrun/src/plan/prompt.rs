//! Asks the user which of several programs to run.

use std::io::{self, BufRead, IsTerminal};

use crate::project::Binary;
use crate::report::Report;

/// Chooses one of several programs; `None` if it cannot.
pub(crate) type Prompt<'a> = &'a dyn Fn(&[Binary]) -> Option<Binary>;

/// Asks on the terminal. `None` without a terminal or without a valid answer.
pub(crate) fn which(binaries: &[Binary]) -> Option<Binary> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let report = Report::plain();
    report.main("which program?");
    for (number, binary) in (1..).zip(binaries) {
        report.main(&format!("{number:>3}  {} of `{}`", binary.name, binary.package));
    }
    report.main("a number or a name, then Enter:");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).ok()?;
    chosen(answer.trim(), binaries)
}

fn chosen(answer: &str, binaries: &[Binary]) -> Option<Binary> {
    let by_number = answer.parse::<usize>().ok().and_then(|number| binaries.get(number.checked_sub(1)?));
    by_number.or_else(|| binaries.iter().find(|binary| binary.name == answer)).cloned()
}

#[cfg(test)]
mod tests {
    use super::chosen;
    use crate::project::Binary;

    #[test]
    fn a_program_is_chosen_by_number_or_name() {
        let binaries =
            ["shop", "import"].map(|name| Binary { package: "p".to_owned(), name: name.to_owned() });
        for (answer, expected) in [
            ("1", Some("shop")),
            ("2", Some("import")),
            ("import", Some("import")),
            ("0", None),
            ("3", None),
            ("", None),
        ] {
            let found = chosen(answer, &binaries);
            assert_eq!(found.as_ref().map(|binary| binary.name.as_str()), expected, "{answer}");
        }
    }
}
