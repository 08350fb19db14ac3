//! `GET /healthz` and `GET /readyz`.

use crate::{
    Demo, Failed, Running, Server,
    claim::{Verdict, claims},
};

claims![
    healthz_is_ok,
    readyz_says_what_is_in_force,
    a_revision_shows_in_readyz,
    the_digest_is_equal_on_replicas,
    the_digest_has_no_secret,
    the_digest_changes_with_a_value,
];

fn healthz_is_ok(demo: &Demo) -> Verdict {
    let answer = demo.server().start()?.get("/healthz")?;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"ok"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    Ok(())
}

fn readyz_says_what_is_in_force(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let answer = server.get("/readyz")?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let digest = digest(&server)?;
    let address = server.address();
    assert_eq!(
        answer.text(),
        format!(
            r#"{{"status":"ready","generation":1,"digest":"{digest}","revision":null,"address":"{address}"}}"#
        )
    );
    Ok(())
}

fn a_revision_shows_in_readyz(demo: &Demo) -> Verdict {
    let server = demo.server().config(format!("{}\nrevision: 12\n", Server::shipped_config())).start()?;
    assert_eq!(server.get("/readyz")?.json()?["revision"], 12);
    Ok(())
}

fn the_digest_is_equal_on_replicas(demo: &Demo) -> Verdict {
    let (one, two) = (demo.server().start()?, demo.server().start()?);
    assert_eq!(digest(&one)?, digest(&two)?);
    let reordered = "settings: { refresh_interval_seconds: 5, feature_flag_a: true, log_level: info }";
    let shipped = Server::shipped_config();
    let (head, tail) = shipped.split_once("settings:").ok_or("settings")?;
    let (_, tail) = tail.split_once("routes:").ok_or("routes")?;
    let three = demo.server().config(format!("{reordered}\n{head}\nroutes:{tail}")).start()?;
    assert_eq!(digest(&three)?, digest(&one)?, "the order of keys is no difference");
    Ok(())
}

fn the_digest_has_no_secret(demo: &Demo) -> Verdict {
    let (one, two) =
        (demo.server().start()?, demo.server().edited("secure_password", "other_password").start()?);
    assert_eq!(digest(&one)?, digest(&two)?);
    Ok(())
}

fn the_digest_changes_with_a_value(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let before = digest(&server)?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    assert_ne!(digest(&server)?, before);
    server.edit("feature_flag_a: false", "feature_flag_a: true")?;
    server.wait_for_generation(3)?;
    assert_eq!(digest(&server)?, before, "and comes back with it");
    Ok(())
}

fn digest(server: &Running) -> Result<String, Failed> {
    let digest = server.get("/readyz")?.json()?["digest"].as_str().ok_or("no digest")?.to_owned();
    assert!(digest.len() >= 8, "{digest}");
    Ok(digest)
}
