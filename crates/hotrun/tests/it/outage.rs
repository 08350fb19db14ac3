//! Requests while no server serves.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use crate::project::{DEADLINE, Project, get};

const ADDRESS: &str = "[socket]\naddress = \"127.0.0.1:PORT\"\n";

/// The answer to a request of this head.
fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
    stream.write_all(head.as_bytes()).expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[test]
fn after_a_failed_first_build_requests_are_answered_with_the_compilers_words() {
    for way in ["", "way = \"proxy\"\n"] {
        let project = Project::server().file(".hotrun.toml", &format!("{ADDRESS}{way}"));
        let project = project.edited("src/main.rs", "fn main() {", "fn main() { nonsense");
        let address = project.address();
        let bind = format!("TcpListener::bind(\"{address}\")");
        let behind_proxy = format!(
            "TcpListener::bind(std::env::var(\"PORT\").map_or(\"{address}\".to_owned(), |port| format!(\"127.0.0.1:{{port}}\")))"
        );
        let project = project.edited("src/main.rs", &bind, &behind_proxy);
        let hotrun = project.hotrun();
        hotrun.wait_for("requests are answered with 503 and the reason");
        let text = get(address).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("text/plain"), "{text}");
        assert!(text.contains("hotrun: the build failed after") && text.contains("nonsense"), "{text}");
        let page =
            ask(address, "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 503 ") && page.contains("text/html"), "{page}");
        assert!(page.contains("--&gt; src/main.rs") && page.contains("http-equiv=\"refresh\""), "{page}");
        let sent =
            ask(address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
        assert!(sent.starts_with("HTTP/1.1 503 "), "{sent}");
        hotrun.project().edit("src/main.rs", "nonsense", "");
        hotrun.wait_for_answer("version 1");
        hotrun.becomes(2);
    }
}

#[test]
fn after_the_end_of_the_program_requests_are_answered_with_its_status() {
    let project = Project::server().edited(
        "src/main.rs",
        "// answering",
        "if std::path::Path::new(\"die\").exists() { std::process::exit(3); }",
    );
    let hotrun = project.hotrun();
    hotrun.wait_for_answer("version 1");
    hotrun.project().save("die", "");
    let _ = get(hotrun.project().address());
    hotrun.wait_for_answer("hotrun: server 1 ended with status 3; a change starts it again");
    std::fs::remove_file(hotrun.project().path("die")).expect("a file");
    hotrun.becomes(2);
}

/// A request that comes while something is under way is worth the wait.
#[test]
fn during_the_first_build_requests_wait() {
    let project = Project::server()
        .file(".hotrun.toml", ADDRESS)
        .file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_millis(500)); }\n");
    let hotrun = project.hotrun();
    hotrun.wait_for("hotrun  builds: ");
    let address = hotrun.project().address();
    let asking = thread::spawn(move || get(address));
    let text = asking.join().expect("no panic").expect("an answer");
    assert!(text.contains("version 1"), "{text}");
    assert_eq!(hotrun.count("503"), 0, "{}", hotrun.said());
}
