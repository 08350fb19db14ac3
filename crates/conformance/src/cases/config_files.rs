//! The files that are read without `--config`, and those of an environment.

use crate::{
    Demo, Running, Server,
    claim::{Verdict, claims},
};

claims! {
    every demo:
        readyz_and_the_page_name_the_environment;
    one demo:
        the_configuration_is_searched_for,
        the_first_file_of_the_search_wins_and_the_other_is_named,
        the_files_that_were_tried_are_named,
        no_other_file_takes_the_place_of_the_one_that_was_found,
        a_file_of_the_environment_lies_over_the_first_one,
        a_file_of_the_environment_counts_when_it_appears_and_until_it_goes,
        a_bad_file_of_the_environment_is_rejected,
        a_later_file_lies_over_the_file_of_the_environment,
        an_environment_that_is_no_name_is_wrong_usage;
}

const TOML: &str = "\
app_name = 'InToml'
port = 8080
database = { host = 'localhost', port = 5432, user = 'admin', password = 'x', name = 'y' }
settings = { log_level = 'info', feature_flag_a = true, refresh_interval_seconds = 5 }
";

fn the_configuration_is_searched_for(demo: &Demo) -> Verdict {
    for name in ["config.yml", "config.json", "config/config.yaml", "config/config.yml"] {
        // A JSON document is a YAML document.
        let text = serde_json::json!({
            "app_name": name,
            "port": 8080,
            "database": { "host": "h", "port": 5432, "user": "u", "password": "p", "name": "n" },
            "settings": { "log_level": "info", "feature_flag_a": true, "refresh_interval_seconds": 5 },
        });
        let server = demo.server().config(text.to_string()).config_at(name).start()?;
        assert!(page(&server)?.contains(name), "{name}");
        server.replace(name, text.to_string().replace("true", "false"))?;
        server.wait_for_generation(2)?;
    }
    let server = demo.server().config(TOML).config_at("config/config.toml").start()?;
    assert!(page(&server)?.contains("InToml"));
    Ok(())
}

fn the_first_file_of_the_search_wins_and_the_other_is_named(demo: &Demo) -> Verdict {
    let server = demo.server().file("config.toml", TOML).file("config/config.yaml", "not: read").start()?;
    assert!(page(&server)?.contains("MyRustApp"));
    server.log().wait_for_log("a word about the other file", |line| {
        line.contains("`config.toml`") && line.contains("`config.yaml` is read instead")
    })?;
    Ok(())
}

fn the_files_that_were_tried_are_named(demo: &Demo) -> Verdict {
    let said = demo.server().config_at("elsewhere.yaml").run()?.with_status(1)?.stderr;
    for folder in ["", "config/"] {
        for ending in ["yaml", "yml", "toml", "json"] {
            let name = format!("`{folder}config.{ending}`");
            assert!(said.contains(&name), "{name} in {said}");
        }
    }
    Ok(())
}

fn no_other_file_takes_the_place_of_the_one_that_was_found(demo: &Demo) -> Verdict {
    let server = demo.server().file("config/config.toml", TOML).start()?;
    let mut events = server.events()?;
    std::fs::remove_file(server.path("config.yaml"))?;
    assert!(events.event("problem")?.data.contains("config.yaml"));
    assert!(page(&server)?.contains("MyRustApp"));
    Ok(())
}

fn readyz_and_the_page_name_the_environment(demo: &Demo) -> Verdict {
    let server = demo.server().env("APP_ENV", "staging").start()?;
    assert_eq!(server.get("/readyz")?.json()?["environment"], "staging");
    assert!(page(&server)?.contains("<b>staging</b>"));
    let server = demo.server().env("APP_ENV", "").template("index.html", "{{ environment }}|").start()?;
    assert_eq!(server.get("/readyz")?.json()?.get("environment"), None);
    assert_eq!(page(&server)?, "|", "a template may use the name without one");
    Ok(())
}

fn a_file_of_the_environment_lies_over_the_first_one(demo: &Demo) -> Verdict {
    let server = in_production(demo).file("config.production.toml", "app_name = 'InProduction'\n");
    let server = server.file("config.staging.yaml", "app_name: InStaging\n").start()?;
    let shown = page(&server)?;
    assert!(shown.contains("InProduction") && !shown.contains("InStaging"), "{shown}");
    assert_eq!(server.get("/dynamic-config")?.json()?["log_level"], "info", "the other keys stay");
    server.edit("log_level: info", "log_level: warn")?;
    server.wait_for_generation(2)?;
    Ok(())
}

fn a_file_of_the_environment_counts_when_it_appears_and_until_it_goes(demo: &Demo) -> Verdict {
    let server = in_production(demo).start()?;
    server.replace("config.production.yaml", "settings: { refresh_interval_seconds: 9 }\n")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 9);
    std::fs::remove_file(server.path("config.production.yaml"))?;
    server.wait_for_generation(3)?;
    assert_eq!(server.get("/dynamic-config")?.json()?["refresh_interval_seconds"], 5);
    Ok(())
}

fn a_bad_file_of_the_environment_is_rejected(demo: &Demo) -> Verdict {
    let server = in_production(demo).start()?;
    let mut events = server.events()?;
    server.replace("config.production.yaml", "settings:\n  refresh_interval_seconds: 0\n")?;
    assert!(events.event("problem")?.data.contains("config.production.yaml:2:29"));
    assert_eq!(server.get("/healthz")?.generation(), Some(1));
    Ok(())
}

fn a_later_file_lies_over_the_file_of_the_environment(demo: &Demo) -> Verdict {
    let server = in_production(demo).file("config.production.yaml", "app_name: InProduction\n");
    let server =
        server.file("over.yaml", "app_name: OverAll\n").args("--config config.yaml --config over.yaml");
    assert!(page(&server.start()?)?.contains("OverAll"));
    Ok(())
}

fn an_environment_that_is_no_name_is_wrong_usage(demo: &Demo) -> Verdict {
    let said = demo.server().env("APP_ENV", "../production").run()?.with_status(2)?.stderr;
    assert!(said.contains("`APP_ENV`: expected 1 to 64 letters"), "{said}");
    Ok(())
}

fn in_production(demo: &Demo) -> Server {
    demo.server().env("APP_ENV", "production")
}

fn page(server: &Running) -> Result<String, crate::Failed> {
    Ok(server.get("/")?.text())
}
