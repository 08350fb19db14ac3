//! The layers of the settings, and their order.

use crate::{
    Demo,
    claim::{Verdict, claims},
};

claims! {
    one demo:
        a_file_with_the_required_keys_alone_loads,
        a_later_file_is_laid_over_the_earlier_ones,
        a_layer_may_be_toml_or_json,
        the_environment_can_name_the_files,
        a_flag_wins_over_the_environment_in_naming_files,
        an_override_wins_over_the_environment_over_the_files,
        an_override_stays_in_force_across_reloads,
        a_wrong_override_ends_with_1_and_is_named,
        an_edit_of_the_lower_file_counts,
        unknown_keys_can_be_warned_of,
        the_environment_can_ask_to_be_warned,
        the_flag_wins_over_the_environment_in_being_warned,
        keys_that_begin_with_x_are_ignored,
        a_directive_is_a_log_level;
}

const REQUIRED: &str = "\
app_name: Smallest
port: 8080
database:
  host: localhost
  port: 5432
  user: admin
  password: secure_password
  name: myapp_db
settings:
  log_level: info
  feature_flag_a: true
  refresh_interval_seconds: 5
";

fn a_file_with_the_required_keys_alone_loads(demo: &Demo) -> Verdict {
    let server = demo.server().config(REQUIRED).start()?;
    assert!(server.get("/")?.text().contains("Smallest"));
    Ok(())
}

fn a_later_file_is_laid_over_the_earlier_ones(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.yaml", "settings:\n  refresh_interval_seconds: 9\n");
    let server = server.args("--config config.yaml --config over.yaml").start()?;
    let json = server.get("/dynamic-config")?.json()?;
    assert_eq!(json["refresh_interval_seconds"], 9);
    assert_eq!(json["log_level"], "info", "a key beside it stays");
    Ok(())
}

fn a_layer_may_be_toml_or_json(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.toml", "[settings]\nrefresh_interval_seconds = 9\n");
    let server = server.file("top.json", "{\"settings\": {\"log_level\": \"debug\"}}");
    let server = server.args("--config config.yaml --config over.toml --config top.json").start()?;
    let json = server.get("/dynamic-config")?.json()?;
    assert_eq!((&json["refresh_interval_seconds"], &json["log_level"]), (&9.into(), &"debug".into()));
    server.replace("over.toml", "[settings]\nrefresh_interval_seconds = 0\n")?;
    assert!(server.events()?.event("problem")?.data.contains("over.toml:2:28"));
    server.replace("over.toml", "[settings]\nrefresh_interval_seconds = 8\n")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 8);
    Ok(())
}

fn the_environment_can_name_the_files(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.yaml", "settings: { refresh_interval_seconds: 9 }");
    let server = server.env("DEMO_CONFIG", "config.yaml:over.yaml").start()?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 9);
    Ok(())
}

fn a_flag_wins_over_the_environment_in_naming_files(demo: &Demo) -> Verdict {
    demo.server().env("DEMO_CONFIG", "nowhere.yaml").args("--config config.yaml").start()?;
    Ok(())
}

fn an_override_wins_over_the_environment_over_the_files(demo: &Demo) -> Verdict {
    let interval = |server: crate::Server| -> Result<u64, crate::Failed> {
        let json = server.start()?.get("/dynamic-config")?.json()?;
        Ok(json["refresh_interval_seconds"].as_u64().ok_or("no number")?)
    };
    let variable = "APP__SETTINGS__REFRESH_INTERVAL_SECONDS";
    assert_eq!(interval(demo.server())?, 5);
    assert_eq!(interval(demo.server().env(variable, "6"))?, 6);
    assert_eq!(
        interval(demo.server().env(variable, "6").args("--set settings.refresh_interval_seconds=7"))?,
        7
    );
    Ok(())
}

fn an_override_stays_in_force_across_reloads(demo: &Demo) -> Verdict {
    let server = demo
        .server()
        .args("--set settings.refresh_interval_seconds=7")
        .env("APP__APP_NAME", "Over")
        .start()?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    server.wait_for_generation(2)?;
    let json = server.get("/dynamic-config")?.json()?;
    assert_eq!(json["refresh_interval_seconds"], 7);
    assert_eq!(json["feature_flag_a"], false);
    assert!(server.get("/")?.text().contains("Over"));
    Ok(())
}

fn a_wrong_override_ends_with_1_and_is_named(demo: &Demo) -> Verdict {
    for (flag, expected) in [("port=eighty", "--set port"), ("prot=8081", "--set prot")] {
        let said = demo.server().args(&format!("--set {flag}")).run()?.with_status(1)?.stderr;
        assert!(said.contains(expected), "{said}");
    }
    for (variable, value, expected) in
        [("APP__PORT", "eighty", "environment APP__PORT"), ("APP__PROT", "8081", "APP__PROT")]
    {
        let said = demo.server().env(variable, value).run()?.with_status(1)?.stderr;
        assert!(said.contains(expected), "{said}");
    }
    Ok(())
}

fn an_edit_of_the_lower_file_counts(demo: &Demo) -> Verdict {
    let server = demo.server().file("over.yaml", "settings: { refresh_interval_seconds: 9 }");
    let server = server.args("--config config.yaml --config over.yaml").start()?;
    server.edit("log_level: info", "log_level: warn")?;
    server.wait_for_generation(2)?;
    let json = server.get("/dynamic-config")?.json()?;
    assert_eq!(json["log_level"], "warn");
    assert_eq!(json["refresh_interval_seconds"], 9);
    Ok(())
}

fn unknown_keys_can_be_warned_of(demo: &Demo) -> Verdict {
    let unknown = format!("{REQUIRED}colour: mauve-of-nobody\n");
    demo.server().config(unknown.as_str()).run()?.with_status(1)?;
    let server = demo.server().config(unknown).args("--unknown-keys warn").start()?;
    server.log().wait_for_log("a word about the key", |line| line.contains("colour"))?;
    assert!(
        !server.log().text().contains("mauve-of-nobody"),
        "the value of an unknown key is nobody's business"
    );
    Ok(())
}

fn the_environment_can_ask_to_be_warned(demo: &Demo) -> Verdict {
    demo.server().config(format!("{REQUIRED}colour: mauve\n")).env("DEMO_UNKNOWN_KEYS", "warn").start()?;
    Ok(())
}

fn the_flag_wins_over_the_environment_in_being_warned(demo: &Demo) -> Verdict {
    let server = demo.server().config(format!("{REQUIRED}colour: mauve\n")).env("DEMO_UNKNOWN_KEYS", "warn");
    server.args("--unknown-keys deny").run()?.with_status(1)?;
    Ok(())
}

fn keys_that_begin_with_x_are_ignored(demo: &Demo) -> Verdict {
    let config = format!(
        "x-anchors: &flag true\n{}",
        REQUIRED.replace("feature_flag_a: true", "feature_flag_a: *flag")
    );
    demo.server().config(config).start()?;
    Ok(())
}

fn a_directive_is_a_log_level(demo: &Demo) -> Verdict {
    let server = demo.server().edited("log_level: info", "log_level: info,hyper=debug").start()?;
    assert_eq!(server.get("/dynamic-config")?.json()?["log_level"], "info,hyper=debug");
    Ok(())
}
