//! `GET /database`, with a real PostgreSQL server.

use crate::{
    Demo, Failed, Postgres, Request, Running, Server,
    claim::{Verdict, claims},
    target_load::TargetLoad,
    wait_until,
};
use rustix::process::Signal;
use std::net::TcpListener;

claims![
    every demo: the_server_of_the_settings_is_asked;
    one demo:
        a_password_that_does_not_work_is_rejected_until_it_does,
        a_server_that_is_back_is_found,
        a_stop_waits_for_a_query;
    full tier:
        rotated_passwords_fail_no_request,
        a_rotation_without_the_file_fails_requests;
];

/// Claims that need no server.
pub(crate) mod away {
    use super::{Demo, TcpListener, Verdict, claims};
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    use std::net::SocketAddr;

    claims![
        every demo: a_database_that_is_away_is_a_503;
        one demo: nothing_connects_before_the_first_request;
    ];

    fn a_database_that_is_away_is_a_503(demo: &Demo) -> Verdict {
        // A socket that does not listen refuses connections, and nobody else gets its port.
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let closed = SocketAddr::try_from(getsockname(&socket)?)?.port();
        let server = demo.server().edited("port: 5432", &format!("port: {closed}")).start()?;
        let answer = server.get("/database")?;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text(), "the database cannot be reached, try again in a moment\n");
        assert_eq!(answer.header("retry-after"), Some("5"));
        server.wait_for_metric("database_state", &[("state", "away")], 1)?;
        assert_eq!(server.status("/")?, 200);
        server.edit("feature_flag_a: true", "feature_flag_a: false")?;
        server.wait_for_generation(2)?;
        server.edit("password: secure_password", "password: other")?;
        server.wait_for_generation(3)?;
        assert_eq!(server.status("/database")?, 503);
        let log = server.log().text();
        assert!(log.contains("cannot reach localhost:"), "{log}");
        Ok(())
    }

    fn nothing_connects_before_the_first_request(demo: &Demo) -> Verdict {
        let database = TcpListener::bind("127.0.0.1:0")?;
        let port = database.local_addr()?.port();
        database.set_nonblocking(true)?;
        let server = demo.server().edited("port: 5432", &format!("port: {port}")).start()?;
        server.edit("password: secure_password", "password: other")?;
        server.wait_for_generation(2)?;
        assert_eq!(server.status("/")?, 200);
        server.wait_for_metric("database_state", &[("state", "unused")], 1)?;
        assert!(database.accept().is_err(), "something has connected");

        // The control: a request does.
        let mut client = server.client()?;
        client.send(b"GET /database HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        crate::wait_until("a connection", || database.accept().is_ok())
    }
}

fn postgres() -> Result<Postgres, Failed> {
    let postgres = Postgres::start()?;
    postgres
        .sql("CREATE ROLE admin LOGIN PASSWORD 'secure_password'; CREATE DATABASE myapp_db OWNER admin;")?;
    Ok(postgres)
}

/// A server of the demo with the shipped settings, but for the port of the database.
fn beside(postgres: &Postgres, demo: &Demo) -> Server {
    demo.server().edited("port: 5432", &format!("port: {}", postgres.port()))
}

fn the_server_of_the_settings_is_asked(demo: &Demo) -> Verdict {
    let postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    let answer = server.get("/database")?;
    assert_eq!(
        (answer.status, answer.header("content-type").unwrap_or_default().split(';').next()),
        (200, Some("application/json")),
        "{}",
        answer.text()
    );
    let text = answer.text();
    let places: Vec<_> = ["server", "user", "micros", "generation", "in_use", "idle"]
        .map(|key| text.find(&format!("\"{key}\":")))
        .into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    let json = answer.json()?;
    assert_eq!(json["server"], postgres.sql("SHOW server_version")?, "{text}");
    assert_eq!((&json["user"], &json["generation"]), (&"admin".into(), &1.into()), "{text}");
    assert_eq!((&json["in_use"], &json["idle"]), (&1.into(), &0.into()), "{text}");
    assert!(json["micros"].as_u64().is_some_and(|micros| micros > 0), "{text}");
    assert_eq!(server.request(&Request::new("HEAD", "/database"))?.status, 200);
    assert_eq!(server.request(&Request::new("POST", "/database"))?.status, 405);
    for (name, label, value) in [
        ("database_state", "connected", 1),
        ("database_connections", "idle", 1),
        ("database_connections", "in_use", 0),
    ] {
        server.wait_for_metric(name, &[("state", label)], value)?;
    }
    let names = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'admin'";
    assert_eq!(postgres.sql(names)?, format!("demo-{} pool 1", demo.framework().to_lowercase()));
    server.stop()?;
    wait_until("the sessions to end", || postgres.sessions("admin").is_ok_and(|left| left.is_empty()))
}

fn a_password_that_does_not_work_is_rejected_until_it_does(demo: &Demo) -> Verdict {
    let postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    assert_eq!(server.status("/database")?, 200);
    server.edit("password: secure_password", "password: another")?;
    server.wait_for_attempts("rejected", 1)?;
    let history = server.history()?;
    let error = history[0]["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(error.contains("database.password: role \"admin\" cannot log in"), "{error}");
    assert!(!server.log().text().contains("another"), "{}", server.log().text());
    assert_eq!(server.status("/database")?, 200, "the old pool serves");

    postgres.sql("ALTER ROLE admin PASSWORD 'another'")?;
    server.wait_for_generation(2)?;
    assert_eq!(server.get("/database")?.json()?["generation"], 2);
    assert_eq!(server.attempts("rejected")?, 1, "it is reported once");
    Ok(())
}

fn a_server_that_is_back_is_found(demo: &Demo) -> Verdict {
    let mut postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    assert_eq!(server.status("/database")?, 200);
    postgres.stop()?;
    assert_eq!(server.status("/database")?, 503);
    assert_eq!(server.status("/")?, 200);
    postgres.restart()?;
    server.wait_for_metric("database_state", &[("state", "connected")], 1)?;
    assert_eq!(server.status("/database")?, 200);
    Ok(())
}

/// A server that is stopped accepts connections, but does not answer.
fn a_stop_waits_for_a_query(demo: &Demo) -> Verdict {
    let postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    postgres.signal(Signal::STOP)?;
    let mut client = server.client()?;
    client.send(b"GET /database HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    wait_until("the pool to connect", || {
        server.metric("database_state", &[("state", "unused")]).is_ok_and(|unused| unused < 0.5)
    })?;
    server.signal(Signal::TERM)?;
    server.log().wait_for_log("the drain", |line| line.contains("draining"))?;
    assert!(server.lives(), "it waits");
    postgres.signal(Signal::CONT)?;
    assert_eq!(client.answer("GET")?.status, 200);
    assert!(server.wait_for_exit()?.success());
    Ok(())
}

fn rotated_passwords_fail_no_request(demo: &Demo) -> Verdict {
    let times = if demo.framework() == "Axum" { 200 } else { 10 };
    let postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    let load = load(&server);
    load.wait_for(20)?;
    let mut password = "secure_password".to_owned();
    for number in 1..=times {
        let next = format!("rotated-{number}");
        let alter = || postgres.sql(&format!("ALTER ROLE admin PASSWORD '{next}'"));
        let edit = || server.edit(&format!("password: {password} "), &format!("password: {next} "));
        if number % 2 == 0 {
            alter()?;
            edit()?;
        } else {
            edit()?;
            alter()?;
        }
        server.wait_for_generation(number + 1)?;
        load.wait_for(5)?;
        password = next;
    }
    let (answered, failures) = load.end();
    assert!(failures.is_empty() && answered > times * 5, "{answered} answered, failed: {failures:?}");
    one_generation(&postgres, demo, times + 1)?;
    server.wait_for_metric("database_drains_total", &[("outcome", "cut")], 0)
}

/// The negative control: the same load fails when the settings do not follow the role.
fn a_rotation_without_the_file_fails_requests(demo: &Demo) -> Verdict {
    let postgres = postgres()?;
    let server = beside(&postgres, demo).start()?;
    let load = load(&server);
    load.wait_for(20)?;
    postgres.sql("ALTER ROLE admin PASSWORD 'another'")?;
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'admin'")?;
    wait_until("failures", || !load.failures().is_empty())?;
    let (answered, failures) = load.end();
    assert!(answered > 0 && failures.iter().all(|failure| failure == "503"), "{failures:?}");
    Ok(())
}

/// Clients that ask for `/database` all the time.
fn load(server: &Running) -> TargetLoad {
    TargetLoad::on(server.address(), "/database", |_| Ok(()))
}

/// Waits until the sessions at the server are those of one pool.
fn one_generation(postgres: &Postgres, demo: &Demo, number: u64) -> Verdict {
    let names = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = 'admin'";
    let last = format!("demo-{} pool {number}", demo.framework().to_lowercase());
    wait_until("one generation at the server", || postgres.sql(names).is_ok_and(|names| names == last))
}
