//! The pages that the servers send while their settings are saved in pieces. `src/page/torn.rs` has the negative control.

use std::fs;

use conformance::{Client, wait_until};

use crate::showing::Showing;

#[test]
fn a_save_in_pieces_tears_no_page_of_the_demos() {
    let showing = Showing::start();
    let before: Vec<String> = configs(&showing);
    // A bad value is mended first.
    assert_eq!(showing.edit("bad-value").matches("class=\"refused\"").count(), 4);
    let shown = showing.edit("pieces");
    assert_eq!(shown.matches("<td class=\"good\">0 torn of ").count(), 4, "{shown}");
    assert!(!shown.contains("not served"), "the last version is served: {shown}");
    // Each of the 20 saves has three pauses, and a page is read in each of them.
    for pages in shown.split("0 torn of ").skip(1) {
        let pages: String = pages.split('<').next().unwrap().chars().filter(char::is_ascii_digit).collect();
        assert!(pages.parse::<u32>().unwrap() >= 60, "{shown}");
    }
    assert_eq!(configs(&showing), before, "the files are restored");
    for demo in showing.demos() {
        let page_has = |text| Client::connect(demo).unwrap().get("/").unwrap().text().contains(text);
        wait_until("the values before it", || page_has(">MyRustApp<")).unwrap();
    }
    assert_eq!(showing.edit("value").matches("class=\"good\"").count(), 4, "and the next edit is served");
}

fn configs(showing: &Showing) -> Vec<String> {
    showing.folders().iter().map(|folder| fs::read_to_string(folder.join("config.yaml")).unwrap()).collect()
}
