//! `GET /dynamic-config`.

use crate::{
    Demo, Request,
    claim::{Verdict, claims},
};

claims![
    it_is_five_keys_in_this_order,
    the_etag_is_of_the_body,
    if_none_match_with_the_etag_gives_304_without_a_body,
    if_none_match_with_another_gives_the_body,
    the_etag_changes_with_the_body,
];

fn it_is_five_keys_in_this_order(demo: &Demo) -> Verdict {
    let answer = demo.server().start()?.get("/dynamic-config")?;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(matches!(kind, "application/json" | "application/json; charset=utf-8"), "{kind}");
    let message = answer.json()?["dynamic_message"].as_str().ok_or("no message")?.to_owned();
    assert_eq!(
        answer.text(),
        format!(
            r#"{{"message":"Current dynamic config values","log_level":"info","feature_flag_a":true,"refresh_interval_seconds":5,"dynamic_message":"{message}"}}"#
        )
    );
    Ok(())
}

fn the_etag_is_of_the_body(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let (one, two) = (server.get("/dynamic-config")?, server.get("/dynamic-config")?);
    let etag = one.header("etag").ok_or("no ETag")?;
    assert!(etag.starts_with("W/\"") && etag.ends_with('"') && etag.len() > 10, "{etag}");
    assert_eq!((one.text(), Some(etag)), (two.text(), two.header("etag")));
    Ok(())
}

fn if_none_match_with_the_etag_gives_304_without_a_body(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let etag = server.get("/dynamic-config")?.header("etag").ok_or("no ETag")?.to_owned();
    let mut client = server.client()?;
    for value in
        [etag.clone(), format!("\"other\", {etag}"), etag.trim_start_matches("W/").to_owned(), "*".to_owned()]
    {
        let answer = client.request(&Request::get("/dynamic-config").header("If-None-Match", &value))?;
        assert_eq!(answer.status, 304, "{value}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()), "{value}");
        assert!(answer.header("x-instance").is_some());
    }
    assert_eq!(client.get("/dynamic-config")?.status, 200, "no body was left on the connection");
    Ok(())
}

fn if_none_match_with_another_gives_the_body(demo: &Demo) -> Verdict {
    let answer = demo
        .server()
        .start()?
        .request(&Request::get("/dynamic-config").header("If-None-Match", "\"other\""))?;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.is_empty());
    Ok(())
}

fn the_etag_changes_with_the_body(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let etag = server.get("/dynamic-config")?.header("etag").ok_or("no ETag")?.to_owned();
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    let answer = server.request(&Request::get("/dynamic-config").header("If-None-Match", &etag))?;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
    Ok(())
}
