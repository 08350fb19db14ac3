use serde_json::{Value, json};
use site::Site;

use crate::folder::{CONFIG, Folder, answer, wait_until};

fn history(site: &Site) -> Value {
    serde_json::from_slice(&answer(site, "/config/history").body).unwrap()
}

fn entry(site: &Site, index: usize) -> Value {
    history(site)[index].take()
}

fn attempts(site: &Site) -> usize {
    history(site).as_array().unwrap().len()
}

#[test]
fn an_entry_has_the_keys_of_the_contract() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    folder.save("config.yaml", &CONFIG.replace("8080", "9000"));
    wait_until("the edit is in the history", || attempts(&site) == 2);
    folder.save("config.yaml", &CONFIG.replace("8080", "70000"));
    wait_until("the bad edit is in the history", || attempts(&site) == 3);

    for (index, expected) in [
        json!({"generation": 2, "outcome": "rejected", "changed": [], "line": 2, "column": 7}),
        json!({"generation": 2, "outcome": "accepted", "line": null, "column": null,
            "changed": [{"path": "port", "from": 8080, "to": 9000}]}),
        json!({"generation": 1, "outcome": "accepted", "changed": [], "line": null, "column": null}),
    ]
    .into_iter()
    .enumerate()
    {
        let entry = entry(&site, index);
        let at: jiff::Timestamp = entry["at"].as_str().unwrap().parse().expect("RFC 3339");
        assert!(jiff::Timestamp::now().duration_since(at).as_secs() < 60);
        let error = &entry["error"];
        let found = json!({"generation": entry["generation"], "outcome": entry["outcome"],
            "changed": entry["changed"], "line": error["line"], "column": error["column"]});
        assert_eq!(found, expected);
    }
    assert_eq!(entry(&site, 2)["trigger"], "start");
    assert!(entry(&site, 0)["error"]["file"].as_str().unwrap().ends_with("config.yaml"));
}

#[tokio::test]
async fn a_reload_that_was_asked_for_is_told_as_a_signal() {
    let folder = Folder::new();
    let site = folder.open().unwrap();
    site.reload().await;
    let entry = entry(&site, 0);
    assert_eq!((&entry["trigger"], &entry["outcome"]), (&json!("signal"), &json!("unchanged")));
}
