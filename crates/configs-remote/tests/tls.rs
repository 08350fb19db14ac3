//! Text over TLS, from `openssl s_server`.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use configs::Configs;
use configs_remote::{Options, Remote};
use conformance::wait_until;

#[derive(serde::Deserialize)]
struct Shop {
    greeting: String,
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_certificate_must_be_trusted() {
    if !conformance::installed(&["openssl", "setpriv"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certify = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(certify.status.success(), "{certify:?}");
    fs::write(folder.path().join("shop.yaml"), "greeting: private\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Command::new("setpriv");
    server.args([
        "--pdeathsig=KILL",
        "openssl",
        "s_server",
        "-WWW",
        "-quiet",
        "-key",
        "key.pem",
        "-cert",
        "cert.pem",
    ]);
    server.arg("-accept").arg(format!("127.0.0.1:{port}")).current_dir(&folder);
    let _server =
        Server(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until("the server to listen", || TcpStream::connect(("127.0.0.1", port)).is_ok()).unwrap();

    let client = |certificates: &Path| {
        let mut client = Command::new(env::current_exe().unwrap());
        client.args(["--exact", "the_client", "--ignored", "--nocapture"]);
        client
            .env("SSL_CERT_FILE", certificates)
            .env("ADDRESS", format!("https://127.0.0.1:{port}/shop.yaml"));
        let output = client.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let trusted = client(&folder.path().join("cert.pem"));
    assert!(trusted.contains("in force: private"), "{trusted}");
    // The control: the certificate is none that the system trusts.
    fs::write(folder.path().join("none.pem"), "").unwrap();
    let untrusted = client(&folder.path().join("none.pem"));
    assert!(
        untrusted.contains("refused: ") && untrusted.contains("TLS: invalid peer certificate"),
        "{untrusted}"
    );
}

/// Not a test, but a part of the one above: it has an environment of its own.
#[test]
#[ignore = "a part of another test"]
fn the_client() {
    let Some(address) = env::var_os("ADDRESS") else { return };
    let remote = Remote::open(&address.to_string_lossy(), &Options::default()).unwrap();
    match Configs::<Shop>::builder().source(remote as Arc<dyn configs::Source>).open() {
        Ok(shop) => println!("in force: {}", shop.load().greeting),
        Err(refused) => println!("refused: {refused}"),
    }
}
