//! A folder with a configuration and templates, and the site that follows them.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use site::{Answer, Error, Layer, OpenError, Operation, Options, RequestContext, RequestHead, Site};
use tempfile::TempDir;

pub(crate) const CONFIG: &str = "\
app_name: Testbed
port: 8080
database: {host: db, port: 5432, user: admin, password: correct-horse, name: shop}
settings: {log_level: info, feature_flag_a: true, refresh_interval_seconds: 5}
routes: {/ping: pong}
";

pub(crate) const PAGE: &str = "\
<title>{{ title }}</title>
<p>{{ framework }} {{ app_name }} {{ port }} {{ database.host }}:{{ database.port }} {{ database.user }} {{ database.name }}
{{ settings.log_level }} {{ settings.feature_flag_a }} {{ settings.refresh_interval_seconds }}
{{ current_time }} {{ dynamic_message }} {{ generation }} <script src=\"{{ page_script }}\"></script>
";

pub(crate) struct Folder {
    root: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("templates")).unwrap();
        let folder = Self { root };
        folder.save("config.yaml", CONFIG);
        folder.save("templates/index.html", PAGE);
        folder
    }

    /// Saves a file as careful programs do: beside it, then renamed over it.
    pub(crate) fn save(&self, name: &str, text: &str) {
        let path = self.root.path().join(name);
        let beside = path.with_extension("saving");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    pub(crate) fn open(&self) -> Result<Site, OpenError> {
        let root = self.root.path();
        Site::open(Options {
            config: vec![Layer::File(root.join("config.yaml"))],
            templates: root.join("templates"),
            instance: "01234567".to_owned(),
            ..Options::new("Test")
        })
    }
}

/// A request of a client on this machine.
pub(crate) fn request(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (RequestContext, Result<(), Error>) {
    let end = "127.0.0.1:8080".parse().unwrap();
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_bytes());
    let config = site.admit(&RequestHead {
        method,
        path,
        query: None,
        target_host: None,
        ends: Some((end, end)),
        half_closed: None,
        hosts: 1,
        header: &header,
    });
    let admitted = config.admitted();
    (config, admitted)
}

/// The answer of an operational route to a client on this machine.
pub(crate) fn answer(site: &Site, path: &str) -> Answer {
    let (config, _) = request(site, "GET", path, &[("host", "localhost")]);
    let operation = Operation::guarded().chain(Operation::open()).find(|operation| operation.path() == path);
    operation.unwrap().answer(site, &config).now_or_never().unwrap().unwrap()
}

pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
