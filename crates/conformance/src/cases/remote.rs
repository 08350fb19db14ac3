//! Settings from a URL and from etcd. The demos' tests are built with the feature `remote`.

use crate::{
    Behaviour, Demo, Running, Server, TextServer,
    claim::{Verdict, claims},
    wait_until,
};

claims! {
    one demo:
        a_url_is_a_layer_and_is_followed,
        a_server_starts_from_the_copy_and_catches_up,
        a_source_that_is_lost_changes_nothing_and_shows,
        a_check_judges_the_text_of_now,
        a_start_without_a_text_names_the_address_without_credentials,
        an_address_that_is_none_is_wrong_usage,
        a_canary_is_run_by_its_share_and_shows,
        a_canary_that_is_rejected_shows_and_changes_nothing;
}

/// A second layer.
const OVER: &str = "settings: {refresh_interval_seconds: 7}\n";

/// A server with a source over its file, which asks every 50 ms and keeps the text in `kept`.
fn over(demo: &Demo, address: &str) -> Server {
    demo.server().args("--config config.yaml --poll-remote 0.05 --keep-remote kept --config").arg(address)
}

fn seconds(server: &Running) -> Result<u64, crate::Failed> {
    let json = server.get("/dynamic-config")?.json()?;
    Ok(json["refresh_interval_seconds"].as_u64().ok_or("a number")?)
}

fn state(server: &Running) -> Result<String, crate::Failed> {
    Ok(server.get("/readyz")?.json()?["sources"][0]["state"].as_str().unwrap_or_default().to_owned())
}

fn a_url_is_a_layer_and_is_followed(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, OVER);
    let server = over(demo, &source.url("over.yaml")).start()?;
    assert_eq!(seconds(&server)?, 7);
    source.write("settings: {refresh_interval_seconds: 8}\n");
    server.wait_for_attempts("accepted", 2)?;
    assert_eq!(seconds(&server)?, 8);
    assert_eq!(server.history()?[0]["trigger"], "source");
    let ready = server.get("/readyz")?.json()?;
    assert_eq!(ready["variant"], "stable", "{ready}");
    let shown = &ready["sources"][0];
    assert_eq!(
        (&shown["source"], &shown["state"]),
        (&source.url("over.yaml").into(), &"live".into()),
        "{ready}"
    );
    assert_eq!((&shown["version"], &shown["age_seconds"]), (&"\"2\"".into(), &0.into()), "{ready}");
    server.wait_for_metric("config_source_live", &[("source", &source.url("over.yaml"))], 1)?;

    source.write("settings: {refresh_interval_seconds: 0}\n");
    server.wait_for_attempts("rejected", 1)?;
    let error = server.history()?[0]["error"].clone();
    assert_eq!((&error["line"], &error["column"]), (&1.into(), &38.into()), "{error}");
    assert_eq!(error["file"], source.url("over.yaml"), "{error}");
    assert_eq!(seconds(&server)?, 8);
    // Without a source, nothing of this shows.
    let ready = demo.server().start()?.get("/readyz")?.json()?;
    assert!(ready.get("sources").is_none() && ready.get("variant").is_none(), "{ready}");
    Ok(())
}

fn a_server_starts_from_the_copy_and_catches_up(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, OVER);
    let address = source.address();
    let url = source.url("over.yaml");
    let first = over(demo, &url).start()?;
    let kept = first.path("kept");
    let has_copy = || std::fs::read_dir(&kept).is_ok_and(|mut files| files.next().is_some());
    wait_until("a copy", has_copy)?;
    drop(source);
    let second = demo.server().args("--config config.yaml --poll-remote 0.05 --keep-remote");
    let second = second.arg(&kept).arg("--config").arg(&url).start()?;
    assert_eq!((seconds(&second)?, state(&second)?.as_str()), (7, "copy"));
    second.log().wait_for_log("a word about the copy", |line| {
        line.contains("over.yaml") && line.contains("connection refused; the copy on disk is used")
    })?;
    second.wait_for_metric("config_source_live", &[("source", &url)], 0)?;
    let source = TextServer::at(address, Behaviour::Text, "settings: {refresh_interval_seconds: 8}\n");
    second.wait_for_generation(2)?;
    assert_eq!((seconds(&second)?, state(&second)?.as_str()), (8, "live"));
    drop(source);
    Ok(())
}

fn a_source_that_is_lost_changes_nothing_and_shows(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, OVER);
    let server = over(demo, &source.url("over.yaml")).start()?;
    source.behave(Behaviour::Status(503));
    wait_until("the source to be lost", || state(&server).is_ok_and(|state| state == "lost"))?;
    server.log().wait_for_log("a word about it", |line| {
        line.contains("status 503, expected 200; its last text stays")
    })?;
    let age = || server.metric("config_source_age_seconds", &[("source", &source.url("over.yaml"))]);
    wait_until("the text to be old", || age().is_ok_and(|age| age > 0.5))?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    assert_eq!(seconds(&server)?, 7);
    source.behave(Behaviour::Text);
    wait_until("the source to be back", || state(&server).is_ok_and(|state| state == "live"))?;
    assert_eq!(server.get("/healthz")?.generation(), Some(2));
    Ok(())
}

fn a_check_judges_the_text_of_now(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, OVER);
    let url = source.url("over.yaml");
    over(demo, &url).arg("--check").run()?.with_status(0)?;
    source.write("settings: {refresh_interval_seconds: 0}\n");
    let said = over(demo, &url).arg("--check").run()?.with_status(1)?.stderr;
    assert!(said.contains("over.yaml:1:38"), "{said}");
    Ok(())
}

fn a_start_without_a_text_names_the_address_without_credentials(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Status(401), "");
    let host = source.address();
    let said = over(demo, &format!("http://admin:hunter2@{host}/over.yaml?token=hunter2"));
    let said = said.run()?.with_status(1)?.stderr;
    assert!(
        said.contains(&format!("http://***@{host}/over.yaml?***: status 401: the user or the password")),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    Ok(())
}

fn an_address_that_is_none_is_wrong_usage(demo: &Demo) -> Verdict {
    for (address, expected) in [
        ("consul://admin:hunter2@a/b", "`--config`: unknown scheme `consul`, expected a path, `http://`"),
        ("etcd://admin:hunter2@a:2379", "`--config`: expected a key or a prefix behind the host"),
        ("https://admin:hunter2@a/b", "`--config`: `https://` needs the Cargo feature `tls`"),
    ] {
        let said = over(demo, address).run()?.with_status(2)?.stderr;
        assert!(said.contains(expected) && !said.contains("hunter2"), "{said}");
    }
    // In the variable, a colon stands between two layers.
    let source = TextServer::start(Behaviour::Text, OVER);
    let list = format!("config.yaml:{}:last.yaml", source.url("over.yaml"));
    let server = demo.server().file("last.yaml", "app_name: Last\n").env("DEMO_CONFIG", list).start()?;
    assert!(server.get("/")?.text().contains("Last"));
    assert_eq!(seconds(&server)?, 7);
    Ok(())
}

fn with_canary(seconds: u32) -> String {
    format!(
        "{OVER}canary:\n  percent: 20\n  config:\n    settings:\n      refresh_interval_seconds: {seconds}\n"
    )
}

fn a_canary_is_run_by_its_share_and_shows(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, &with_canary(9));
    // By the hash of its name, `web-2` is at 13.9 of 100 and `web-1` at 95.78.
    let canary = over(demo, &source.url("over.yaml")).args("--name web-2").start()?;
    let stable = over(demo, &source.url("over.yaml")).env("DEMO_NAME", "web-1").start()?;
    let shown = |server: &Running| -> Result<_, crate::Failed> {
        let ready = server.get("/readyz")?.json()?;
        Ok([&ready["name"], &ready["variant"], &ready["digest"]]
            .map(|value| value.as_str().unwrap_or_default().to_owned()))
    };
    let ([name, variant, digest], [other_name, other_variant, other_digest]) =
        (shown(&canary)?, shown(&stable)?);
    assert_eq!(
        [name.as_str(), &variant, &other_name, &other_variant],
        ["web-2", "canary", "web-1", "stable"]
    );
    assert_ne!(digest, other_digest);
    assert_eq!((seconds(&canary)?, seconds(&stable)?), (9, 7));
    assert_eq!(canary.history()?[0]["canary"], true);
    source.write(&OVER.replace('7', "9"));
    stable.wait_for_generation(2)?;
    wait_until("one variant", || shown(&canary).is_ok_and(|shown| shown[1] == "stable"))?;
    assert_eq!(shown(&canary)?[2], shown(&stable)?[2], "it is promoted");
    Ok(())
}

fn a_canary_that_is_rejected_shows_and_changes_nothing(demo: &Demo) -> Verdict {
    let source = TextServer::start(Behaviour::Text, OVER);
    let server = over(demo, &source.url("over.yaml")).args("--name web-2").start()?;
    source.write(&with_canary(0));
    server.log().wait_for_log("a word about the canary", |line| {
        line.contains("the canary was rejected") && line.contains("over.yaml:6:33")
    })?;
    wait_until("the variant", || {
        server
            .get("/readyz")
            .and_then(|answer| answer.json())
            .is_ok_and(|ready| ready["variant"] == "canary rejected")
    })?;
    assert_eq!(seconds(&server)?, 7);
    assert_eq!(server.get("/healthz")?.generation(), Some(1));
    Ok(())
}

/// Claims that need etcd.
pub(crate) mod etcd {
    use super::{Demo, Running, Verdict, claims, over, seconds, state};
    use crate::{Etcd, Failed, Load, Outcome, wait_until};
    use std::{
        thread::sleep,
        time::{Duration, Instant},
    };

    claims! {
        one demo:
            a_write_in_etcd_is_in_force;
        full tier:
            three_replicas_follow_100_changes,
            a_page_of_two_texts_is_found,
            an_etcd_that_is_killed_for_30_s_changes_nothing;
    }

    const KEY: &str = "app/over.yaml";

    /// A whole text: both values belong together.
    fn text(number: u32) -> String {
        format!("app_name: Number{number}\nsettings: {{refresh_interval_seconds: {number}}}\n")
    }

    fn replica(demo: &Demo, etcd: &Etcd) -> Result<Running, Failed> {
        over(demo, &format!("etcd://{}/app/", etcd.endpoint())).start()
    }

    /// The page and the settings of one request each are of one text.
    fn page_is_whole(server: &Running) -> Result<(), Failed> {
        let page = server.get("/")?.text();
        let number =
            page.split("Number").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
        let number: String = number.ok_or("a number is on the page")?;
        let seconds = format!("Interval: {number} seconds");
        // The first configuration has another message.
        if page.contains(&seconds) || page.contains("Initial message") {
            return Ok(());
        }
        Err(format!("the page mixes Number{number} with another text").into())
    }

    fn a_write_in_etcd_is_in_force(demo: &Demo) -> Verdict {
        let etcd = Etcd::start()?;
        etcd.put(KEY, &text(7))?;
        let server = replica(demo, &etcd)?;
        assert_eq!(seconds(&server)?, 7);
        etcd.put(KEY, &text(8))?;
        server.wait_for_generation(2)?;
        assert_eq!((seconds(&server)?, state(&server)?.as_str()), (8, "live"));
        assert!(server.get("/readyz")?.text().contains(&format!("etcd://{}/app/", etcd.endpoint())));
        Ok(())
    }

    fn three_replicas_follow_100_changes(demo: &Demo) -> Verdict {
        let etcd = Etcd::start()?;
        etcd.put(KEY, &text(1_000))?;
        let replicas = [replica(demo, &etcd)?, replica(demo, &etcd)?, replica(demo, &etcd)?];
        let loads: Vec<Load> = replicas.iter().map(|server| Load::moderately_on(server.address())).collect();
        for number in 1_001..=1_100 {
            etcd.put(KEY, &text(number))?;
            for server in &replicas {
                page_is_whole(server)?;
            }
        }
        let on_last = |server: &Running| seconds(server).is_ok_and(|seconds| seconds == 1_100);
        wait_until("all replicas to be on the last text", || replicas.iter().all(on_last))?;
        let digests: Vec<_> = replicas
            .iter()
            .map(|server| Ok(server.get("/readyz")?.json()?["digest"].clone()))
            .collect::<Result<_, Failed>>()?;
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
        for load in loads {
            let tally = load.end();
            assert!(tally.count(Outcome::Answered) > 0 && tally.failed() == 0, "{tally:?}");
        }
        Ok(())
    }

    /// The negative control of `page_is_whole`.
    fn a_page_of_two_texts_is_found(demo: &Demo) -> Verdict {
        let etcd = Etcd::start()?;
        etcd.put(KEY, &text(7))?;
        let server = replica(demo, &etcd)?;
        etcd.put(KEY, &text(8))?;
        server.wait_for_generation(2)?;
        page_is_whole(&server)?;
        etcd.put(KEY, &text(9).replace("Number9", "Number10"))?;
        server.wait_for_generation(3)?;
        assert!(page_is_whole(&server).is_err());
        Ok(())
    }

    fn an_etcd_that_is_killed_for_30_s_changes_nothing(demo: &Demo) -> Verdict {
        let mut etcd = Etcd::start()?;
        etcd.put(KEY, &text(1_000))?;
        let replicas = [replica(demo, &etcd)?, replica(demo, &etcd)?, replica(demo, &etcd)?];
        let kept = replicas[0].path("kept");
        wait_until("a copy", || std::fs::read_dir(&kept).is_ok_and(|mut files| files.next().is_some()))?;
        etcd.kill()?;
        let killed = Instant::now();
        for server in &replicas {
            wait_until("the loss to show", || state(server).is_ok_and(|state| state == "lost"))?;
        }
        let started_meanwhile =
            demo.server().args("--config config.yaml --poll-remote 0.05 --keep-remote").arg(&kept);
        let started_meanwhile =
            started_meanwhile.arg("--config").arg(format!("etcd://{}/app/", etcd.endpoint())).start()?;
        assert_eq!((seconds(&started_meanwhile)?, state(&started_meanwhile)?.as_str()), (1_000, "copy"));
        sleep(Duration::from_secs(30).saturating_sub(killed.elapsed()));
        for server in &replicas {
            assert_eq!(server.get("/healthz")?.generation(), Some(1));
            assert_eq!(seconds(server)?, 1_000);
        }
        etcd.restart()?;
        etcd.put(KEY, &text(1_001))?;
        for server in replicas.iter().chain([&started_meanwhile]) {
            wait_until("the new text", || seconds(server).is_ok_and(|seconds| seconds == 1_001))?;
        }
        Ok(())
    }
}
