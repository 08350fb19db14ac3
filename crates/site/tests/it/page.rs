use site::{OpenError, Page};

use crate::folder::{CONFIG, Folder, answer, request, wait_until};

fn page(site: &site::Site) -> String {
    let (config, _) = request(site, "GET", "/", &[]);
    config.templates().render("index.html", &Page::new(site, &config)).unwrap()
}

#[test]
fn the_page_shows_what_the_template_asks_for() {
    let site = Folder::new().open().unwrap();
    let page = page(&site);
    for shown in [
        "<title>Test Hot Reload &amp; Dynamic Config</title>",
        "Test Testbed 8080 db:5432 admin shop",
        "info true 5",
        "Initial message at ",
        "src=\"/page.js\"",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
}

#[test]
fn a_page_that_cannot_be_rendered_stops_the_start() {
    for (template, words) in [("{{ titel }}", "titel"), ("{{ database.password }}", "password")] {
        let folder = Folder::new();
        folder.save("templates/index.html", template);
        let Err(OpenError::Templates(error)) = folder.open() else { panic!("{template} was served") };
        assert!(error.message().contains(words), "{}", error.message());
    }
}

#[test]
fn a_template_that_waits_for_a_setting_goes_live_with_it() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    folder.save("templates/index.html", "{% if app_name == \"Testbed\" %}{{ nothing }}{% endif %}ready");
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Other"));
    wait_until("both edits are in force", || page(&site) == "ready");
}

#[test]
fn a_setting_that_waits_for_a_template_goes_live_with_it() {
    let folder = Folder::new();
    folder
        .save("templates/index.html", "{% if app_name == \"Other\" %}{{ nothing }}{% endif %}{{ app_name }}");
    let site = folder.open().unwrap();
    folder.save("config.yaml", &CONFIG.replace("Testbed", "Other"));
    wait_until("the edit was judged", || {
        String::from_utf8_lossy(&answer(&site, "/config/history").body).contains("rejected")
    });
    assert_eq!(page(&site), "Testbed");
    folder.save("templates/index.html", "{{ app_name }}!");
    wait_until("both edits are in force", || page(&site) == "Other!");
}
