//! The page in a browser.

use conformance::{Browser, long_tier, skipped};

use crate::showing::Showing;

#[test]
fn a_button_edits_all_four_and_every_frame_shows_it() {
    let Some(browser) = browser() else { return };
    let showing = Showing::start();
    browser.open(&format!("http://{}/", showing.address)).unwrap();
    browser.wait_for("[...document.querySelectorAll('[data-edit]')].length === 7").unwrap();
    browser.run("document.querySelector('[data-edit=value]').click()").unwrap();
    browser.wait_for("document.querySelectorAll('.edits td.good').length === 4").unwrap();
    for name in ["axum", "actix-web", "warp", "poem"] {
        browser.enter(&format!(".{name} iframe")).unwrap();
        browser.wait_for_text("Edit 1").unwrap();
        browser.leave_the_frame().unwrap();
    }
    browser.run("document.querySelector('[data-edit=bad-value]').click()").unwrap();
    browser.wait_for_text("found `soon-2`").unwrap();
    browser.enter(".warp iframe").unwrap();
    browser.wait_for_text("The last edit is not in force").unwrap();
}

#[test]
fn the_switch_of_the_smallest_programs_shows_a_pair_or_a_language() {
    let Some(browser) = browser() else { return };
    let showing = Showing::start();
    browser.open(&format!("http://{}/", showing.address)).unwrap();
    let shown = "[...document.querySelectorAll('#code-minimal .side')].filter((side) => side.checkVisibility())\
                 .map((side) => side.querySelector('h4').firstChild.textContent.trim())";
    for (choice, programs) in [
        ("axum", ["axum", "gin"].as_slice()),
        ("warp", &["warp", "echo"]),
        ("poem", &["poem", "GoFrame"]),
        ("rust", &["axum", "actix-web", "warp", "poem"]),
        ("go", &["gin", "fiber", "echo", "GoFrame"]),
    ] {
        browser.run(&format!("document.querySelector('#side-{choice}').click()")).unwrap();
        assert_eq!(browser.run(&format!("return {shown}")).unwrap(), serde_json::json!(programs), "{choice}");
    }
}

#[test]
fn a_click_on_a_heading_sorts() {
    let Some(browser) = browser() else { return };
    let showing = Showing::start();
    browser.open(&format!("http://{}/", showing.address)).unwrap();
    let column = "[...document.querySelectorAll('#start tbody th')].map((cell) => cell.textContent)";
    let sort = |heading: &str| {
        browser
            .run(&format!(
                "[...document.querySelectorAll('#start [data-sort]')].find((b) => b.textContent === '{heading}').click()"
            ))
            .unwrap();
        browser.run(&format!("return {column}.map((name) => name.trim().split(' ')[0])")).unwrap()
    };
    assert_eq!(sort("median"), serde_json::json!(["axum", "gin"]));
    assert_eq!(sort("median"), serde_json::json!(["gin", "axum"]), "a second click turns it round");
    assert_eq!(sort("server"), serde_json::json!(["axum", "gin"]));
    // An empty cell comes last in both orders.
    assert_eq!(sort("p99"), serde_json::json!(["axum", "gin"]));
    assert_eq!(sort("p99"), serde_json::json!(["axum", "gin"]));
}

#[test]
fn every_width_shows_what_it_has_room_for() {
    let Some(browser) = browser() else { return };
    let showing = Showing::start();
    for (width, columns) in [(1440, 4), (900, 2), (390, 1)] {
        browser.fit_into(width, 900).unwrap();
        browser.open(&format!("http://{}/", showing.address)).unwrap();
        browser.run("document.querySelector('[data-edit=bad-value]').click()").unwrap();
        browser.wait_for("document.querySelectorAll('.edits td.refused').length >= 4").unwrap();
        browser.run("document.querySelector('#show-poem').click()").unwrap();
        browser.wait_for("document.querySelector('#code-routes .poem').checkVisibility()").unwrap();
        let shown = "[...document.querySelectorAll('#code-routes .col')].filter((column) => column.checkVisibility()).length";
        assert_eq!(browser.run(&format!("return {shown}")).unwrap(), columns, "{width}");
        let fits = browser.run("return document.documentElement.scrollWidth <= innerWidth").unwrap();
        assert_eq!(fits, true, "nothing sticks out at {width}");
    }
}

/// A browser, in the long tier and where one is installed.
fn browser() -> Option<Browser> {
    if !long_tier() {
        return None;
    }
    if let Some(missing) = Browser::missing() {
        skipped(&missing);
        return None;
    }
    Some(Browser::start().unwrap())
}
