//! The address that it binds itself.

use crate::{
    Demo, Server,
    claim::{Verdict, claims},
    own_address,
};
use std::net::TcpListener;

claims! {
    every demo:
        port_0_from_a_flag_is_any_free_port;
    one demo:
        the_address_comes_from_the_file,
        localhost_is_an_address,
        port_0_from_the_environment_is_any_free_port,
        port_0_from_a_file_is_refused,
        a_port_in_use_ends_with_3_and_names_its_holder,
        an_address_of_another_machine_ends_with_3;
}

fn the_address_comes_from_the_file(demo: &Demo) -> Verdict {
    let host = own_address()?.ip();
    let server =
        demo.server().edited("host: 127.0.0.1", &format!("host: {host}")).binding_itself().start()?;
    assert_eq!(server.address().to_string(), format!("{host}:8080"));
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn localhost_is_an_address(demo: &Demo) -> Verdict {
    let server = demo.server().edited("host: 127.0.0.1", "host: localhost").on_a_free_port().start()?;
    assert!(server.address().ip().is_loopback());
    assert_eq!(server.status("/healthz")?, 200);
    Ok(())
}

fn port_0_from_a_flag_is_any_free_port(demo: &Demo) -> Verdict {
    shows_the_address_in_use(demo.server().on_a_free_port())
}

fn port_0_from_the_environment_is_any_free_port(demo: &Demo) -> Verdict {
    shows_the_address_in_use(demo.server().binding_itself().env("APP__PORT", "0"))
}

fn shows_the_address_in_use(server: Server) -> Verdict {
    let server = server.template("index.html", "port={{ port }}").start()?;
    assert_ne!(server.address().port(), 0);
    assert_eq!(server.get("/")?.text(), format!("port={}", server.address().port()));
    assert_eq!(server.get("/readyz")?.json()?["address"], server.address().to_string());
    Ok(())
}

fn port_0_from_a_file_is_refused(demo: &Demo) -> Verdict {
    let ended = demo.server().edited("port: 8080", "port: 0").run()?.with_status(1)?;
    assert!(ended.stderr.contains("config.yaml:"), "{}", ended.stderr);
    Ok(())
}

fn a_port_in_use_ends_with_3_and_names_its_holder(demo: &Demo) -> Verdict {
    let holder = TcpListener::bind("127.0.0.1:0")?;
    let port = holder.local_addr()?.port();
    let said = demo.server().args(&format!("--set port={port}")).run()?.with_status(3)?.stderr;
    assert!(said.contains(&port.to_string()), "{said}");
    assert!(said.contains("--set port="), "a way on in: {said}");
    assert!(said.contains(&std::process::id().to_string()), "its holder, {}, in: {said}", std::process::id());
    Ok(())
}

fn an_address_of_another_machine_ends_with_3(demo: &Demo) -> Verdict {
    let said = demo.server().args("--set host=192.0.2.1").run()?.with_status(3)?.stderr;
    assert!(said.contains("192.0.2.1"), "{said}");
    Ok(())
}
