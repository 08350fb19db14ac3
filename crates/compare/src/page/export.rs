//! The page as static files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use conformance::Failed;
use jiff::Zoned;

use super::{
    demo::DEMOS,
    demo_runner::DemoRunner,
    document::{self, SCRIPT, STYLE, Sites},
    edit::Edit,
    figures::Figures,
    live::Site,
};

/// Writes the page, its figures, captures of the sites and the outcomes of all edits into a folder. Makes the folder if it is
/// missing.
pub(crate) fn export(
    folder: &Path,
    mut demos: DemoRunner,
    results: &Path,
    built: String,
) -> Result<(), Failed> {
    let sites = folder.join("sites");
    fs::create_dir_all(&sites).map_err(|e| format!("`{}`: {e}", sites.display()))?;
    let captured = DEMOS.iter().zip(demos.demos()).map(|(demo, subject)| {
        let name = format!("{}.html", demo.name);
        write(&sites.join(&name), &still(&subject.page()?))?;
        Ok(Site { address: format!("sites/{name}"), folder: None })
    });
    let captured = captured.collect::<Result<Vec<Site>, Failed>>()?;
    let made: Vec<_> = Edit::ALL.into_iter().map(|edit| demos.make(edit)).collect();
    drop(demos);
    let at = Zoned::now().strftime("on %-d %B %Y at %H:%M").to_string();
    let document =
        document::document(&Sites::Captured { demos: captured, built, at }, &made, &Figures::read(results)?);
    write(&folder.join("index.html"), &document.into_string())?;
    write(&folder.join("page.css"), STYLE)?;
    write(&folder.join("page.js"), SCRIPT)?;
    copy_results(results, &folder.join("results"))
}

/// A site's page without the script, which would try to reach its server.
fn still(page: &str) -> String {
    let (Some(start), Some(end)) = (page.find("<script"), page.find("</script>")) else {
        return page.to_owned();
    };
    let without = [&page[..start], &page[end + "</script>".len()..]].concat();
    without.replace("data-live-state=\"connecting\">connecting<", "data-live-state=\"captured\">captured<")
}

/// The numbers behind the figures.
fn copy_results(results: &Path, folder: &Path) -> Result<(), Failed> {
    let mut files = vec![results.to_owned()];
    if !results.is_file() {
        let listed = fs::read_dir(results).into_iter().flatten().flatten().map(|entry| entry.path());
        let wanted = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json");
        files = listed.filter(wanted).collect();
    }
    if files.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|e| format!("`{}`: {e}", folder.display()))?;
    for file in files {
        let to = folder.join(file.file_name().unwrap_or_default());
        fs::copy(&file, &to).map_err(|e| format!("`{}`: {e}", to.display()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    Ok(fs::write(path, text).map_err(|e| format!("`{}`: {e}", path.display()))?)
}

#[cfg(test)]
mod tests {
    use super::still;

    #[test]
    fn a_captured_page_does_not_look_for_its_server() {
        let page = "<head><script src=\"/page.js\" defer></script></head><p data-live-state=\"connecting\">connecting</p>";
        assert_eq!(still(page), "<head></head><p data-live-state=\"captured\">captured</p>");
        assert_eq!(still("<p>"), "<p>");
    }
}
