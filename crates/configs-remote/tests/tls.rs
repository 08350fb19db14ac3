//! Text over TLS: from `openssl s_server`, and from a real etcd.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use configs::Configs;
use configs_remote::{Options, Remote};
use conformance::{Certificate, Etcd, wait_until};

const SECRET: &str = "hunter2";

#[derive(serde::Deserialize)]
struct Shop {
    greeting: String,
}

/// A server that ends with the test.
struct Server(Child);

/// A process that follows an address, with trusted certificates of its own: a process reads these once.
struct Client {
    child: Child,
    said: Arc<Mutex<String>>,
}

#[test]
fn a_certificate_must_be_trusted() {
    if !conformance::installed(&["openssl", "setpriv"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path(), "server").unwrap();
    fs::write(folder.path().join("shop.yaml"), "greeting: private\n").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Command::new("setpriv");
    server.args(["--pdeathsig=KILL", "openssl", "s_server", "-WWW", "-quiet", "-key"]).arg(&certificate.key);
    server.arg("-cert").arg(&certificate.public);
    server.arg("-accept").arg(format!("127.0.0.1:{port}")).current_dir(&folder);
    let _server =
        Server(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until("the server to listen", || TcpStream::connect(("127.0.0.1", port)).is_ok()).unwrap();

    let address = format!("https://127.0.0.1:{port}/shop.yaml");
    Client::start(&address, &certificate.public).says("in force: private");
    // The control: the certificate is none that the system trusts.
    let none = folder.path().join("none.pem");
    fs::write(&none, "").unwrap();
    Client::start(&address, &none).says("TLS: invalid peer certificate");
}

#[test]
fn etcd_over_tls_needs_a_trusted_certificate_and_the_password() {
    if !conformance::installed(&["openssl", "setpriv", "etcd", "etcdctl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path(), "etcd").unwrap();
    let other = Certificate::make(folder.path(), "other").unwrap();
    let mut etcd = Etcd::start_over_tls(&certificate).unwrap();
    etcd.put("app/shop.yaml", "greeting: one").unwrap();
    etcd.require_password(SECRET, "app/").unwrap();
    let write = |etcd: &Etcd, greeting: &str| {
        etcd.put("app/shop.yaml", &format!("greeting: {greeting}")).unwrap();
    };
    let host = etcd.endpoint();
    let address = format!("etcds://reader:{SECRET}@{host}/app/");
    let shown = format!("etcds://***@{host}/app/");

    let shop = Client::start(&address, &certificate.public);
    shop.says("in force: one");
    write(&etcd, "two");
    shop.says("in force: two");

    for (address, trusted, expected) in [
        (&address, &other.public, "TLS: invalid peer certificate"),
        (&address.replace(SECRET, "hunter3"), &certificate.public, "the user or the password is wrong"),
        (&address.replace("etcds:", "etcd:"), &certificate.public, "the server does not speak HTTP"),
    ] {
        let refused = Client::start(address, trusted);
        refused.says("refused: ");
        refused.says(expected);
        if expected == "the user or the password is wrong" {
            refused.says("help: write `etcds://USER:PASSWORD@HOST:PORT/KEY`");
        }
        let is_etcds = address.starts_with("etcds");
        refused.says(if is_etcds { &shown } else { "etcd://***@" });
        assert!(!refused.said().contains("hunter"), "{}", refused.said());
    }

    // The certificate is replaced by one that the client does not trust: the last good value stays.
    etcd.set_certificate(&other);
    etcd.restart().unwrap();
    write(&etcd, "three");
    shop.says("source: lost");
    assert!(!shop.said().contains("three"), "{}", shop.said());
    etcd.set_certificate(&certificate);
    etcd.restart().unwrap();
    shop.says("in force: three");
    shop.says("source: live");
    // The same when the user is deleted.
    let before = shop.said().len();
    etcd.ctl(&["user", "delete", "reader"]).unwrap();
    write(&etcd, "four");
    shop.says_from(before, "source: lost");
    assert!(!shop.said().contains("four") && !shop.said().contains(SECRET), "{}", shop.said());
}

impl Client {
    fn start(address: &str, trusted: &Path) -> Client {
        let mut command = Command::new(env::current_exe().expect("this program has a path"));
        command.args(["--exact", "the_client", "--ignored", "--nocapture"]);
        command.env("SSL_CERT_FILE", trusted).env("ADDRESS", address);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("this program can be started");
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, heard) =
            (BufReader::new(child.stdout.take().expect("its output is a pipe")), Arc::clone(&said));
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).extend([line.as_str(), "\n"]);
            }
        });
        Client { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn says(&self, expected: &str) {
        self.says_from(0, expected);
    }

    /// Waits for a text behind the first bytes of what was said.
    fn says_from(&self, start: usize, expected: &str) {
        let waited = wait_until(expected, || self.said()[start..].contains(expected));
        waited.unwrap_or_else(|failed| panic!("{failed:?}, but: {}", self.said()));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test, but a part of the others: it has an environment of its own. It ends with its standard input.
#[test]
#[ignore = "a part of other tests"]
fn the_client() {
    let Some(address) = env::var_os("ADDRESS") else { return };
    let options = Options { poll: Duration::from_millis(50), ..Options::default() };
    let remote = Remote::open(&address.to_string_lossy(), &options).unwrap();
    let say = |line: String| writeln!(io::stdout(), "{line}").unwrap();
    let shop = match Configs::<Shop>::builder().source(remote as Arc<dyn configs::Source>).open() {
        Ok(shop) => shop,
        Err(refused) => return say(format!("refused: {}", refused.render())),
    };
    let end = end_of_stdin();
    let (mut greeting, mut state) = (String::new(), "");
    while end.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
        if greeting != shop.load().greeting {
            shop.load().greeting.clone_into(&mut greeting);
            say(format!("in force: {greeting}"));
        }
        if state != shop.sources()[0].state.as_str() {
            state = shop.sources()[0].state.as_str();
            say(format!("source: {state}"));
        }
    }
}

fn end_of_stdin() -> Receiver<()> {
    let (ended, end) = channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(ended);
    });
    end
}
