//! The page as files.

use std::{fs, path::Path};

use crate::{
    programs::{compare, demos},
    showing::FIGURES,
};

#[test]
fn the_page_is_written_with_all_that_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (to, results) = (folder.path().join("a/page"), folder.path().join("results"));
    fs::create_dir(&results).unwrap();
    fs::write(results.join("bench.json"), FIGURES).unwrap();
    let mut exporting = compare();
    exporting.current_dir(demos().parent().unwrap()).arg("export").arg(&to);
    exporting.arg("--programs").arg(demos().file_name().unwrap()).arg("--results").arg(&results);
    let ended = exporting.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    let page = read(&to, "index.html");
    let linked: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|link| !link.starts_with(['#']) && !link.starts_with("data:"))
        .collect();
    for link in &linked {
        assert!(to.join(link).is_file(), "`{link}` is written");
    }
    for file in ["page.css", "page.js", "sites/axum.html", "sites/poem.html"] {
        assert!(linked.contains(&file), "{file} in {linked:?}");
    }
    assert_eq!(read(&to, "results/bench.json"), FIGURES);

    let site = read(&to, "sites/warp.html");
    assert!(site.contains("Warp Hot Reload") && !site.contains("<script"), "a site as it was, and no more");
    assert!(!page.contains("data-edit="), "there is nobody to make an edit");
    assert_eq!((page.matches("class=\"good\"").count(), page.matches("class=\"refused\"").count()), (20, 8));
    assert!(page.contains("<svg class=\"curve\"") && page.contains("<span class=\"line differs\""));
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}
