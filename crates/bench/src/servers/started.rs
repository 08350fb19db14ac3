//! A server of either language, started as by its users: in a folder with its files, on the port of its settings.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::{Answer, Client, Failed, Server, folder, free_address};
use tempfile::TempDir;

use crate::servers::{programs::Programs, sources, subject::Subject};

/// A process that has answered. When this is dropped, the process is killed and its folder removed.
pub(crate) struct Started {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
    first_answer: Duration,
}

/// The files of a site.
pub(crate) struct Files {
    /// The configuration. Its `port: 8080` is replaced by a free port.
    pub(crate) config: String,
    pub(crate) template: String,
}

/// The timeout of a start.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The pause between two requests.
const PAUSE: Duration = Duration::from_micros(200);

impl Files {
    /// The files of this repository.
    pub(crate) fn shipped(subject: &Subject) -> Result<Files, Failed> {
        let template = if subject.is_demo() {
            Server::shipped_template("index.html")
        } else {
            fs::read_to_string(sources::of_counterparts().join("templates/index.html"))?
        };
        Ok(Files { config: Server::shipped_config(), template })
    }

    /// The repository's configuration, and a template that shows its first value, its last one, and one between.
    pub(crate) fn with_three_values(subject: &Subject) -> Files {
        let names = ["app_name", "database.name", "settings.refresh_interval_seconds"];
        let dot = if subject.is_demo() { "" } else { "." };
        let template = names.map(|name| format!("{{{{ {dot}{name} }}}}")).join(" ");
        Files { config: Server::shipped_config(), template }
    }
}

impl Started {
    /// The site with the repository's files.
    pub(crate) fn site(programs: &Programs, subject: &Subject) -> Result<Started, Failed> {
        Started::site_with(programs, subject, &Files::shipped(subject)?)
    }

    /// The site with other files.
    pub(crate) fn site_with(
        programs: &Programs,
        subject: &Subject,
        files: &Files,
    ) -> Result<Started, Failed> {
        let program = if subject.is_demo() {
            programs.demo(subject.program())?
        } else {
            programs.counterpart(subject.program())?
        };
        let (folder, address) = (folder()?, free_address()?);
        fs::write(folder.path().join("config.yaml"), on_port(&files.config, address))?;
        fs::create_dir(folder.path().join("templates"))?;
        fs::write(folder.path().join("templates/index.html"), &files.template)?;
        Started::begin(&program, &[], folder, address, "/dynamic-config")
    }

    /// The framework alone, with its own server.
    pub(crate) fn bare(programs: &Programs, subject: &Subject) -> Result<Started, Failed> {
        let (folder, address) = (folder()?, free_address()?);
        if subject.is_demo() {
            let program = programs.example(&subject.example("bare"))?;
            Started::begin(&program, &[address.to_string().into()], folder, address, "/bare")
        } else {
            Started::counterpart_of_bytes(programs, subject, folder, address, "/bare")
        }
    }

    /// The same server with fixed answers, head and body, in place of the site.
    pub(crate) fn of_answers(
        programs: &Programs,
        subject: &Subject,
        site: &Started,
    ) -> Result<Started, Failed> {
        Started::fixed(programs, subject, site, whole_head)
    }

    /// The same, with only the bodies and their content type.
    pub(crate) fn of_bodies(
        programs: &Programs,
        subject: &Subject,
        site: &Started,
    ) -> Result<Started, Failed> {
        Started::fixed(programs, subject, site, |answer| head(answer, |name| name == "content-type"))
    }

    fn fixed(
        programs: &Programs,
        subject: &Subject,
        site: &Started,
        head: impl Fn(&Answer) -> String,
    ) -> Result<Started, Failed> {
        let (folder, address) = (folder()?, free_address()?);
        for (target, file) in [("/dynamic-config", "dynamic-config"), ("/", "index")] {
            let answer = site.get(target)?;
            fs::write(folder.path().join(format!("{file}.head")), head(&answer))?;
            fs::write(folder.path().join(file), answer.body)?;
        }
        if subject.is_demo() {
            let program = programs.example(&subject.example("static"))?;
            Started::begin(&program, &[address.port().to_string().into()], folder, address, "/dynamic-config")
        } else {
            Started::counterpart_of_bytes(programs, subject, folder, address, "/dynamic-config")
        }
    }

    fn counterpart_of_bytes(
        programs: &Programs,
        subject: &Subject,
        folder: TempDir,
        address: SocketAddr,
        target: &str,
    ) -> Result<Started, Failed> {
        for file in ["dynamic-config", "index"] {
            let path = folder.path().join(file);
            if !path.exists() {
                fs::write(path, "")?;
            }
        }
        let arguments = [subject.program().into(), address.to_string().into()];
        Started::begin(&programs.counterpart("bare")?, &arguments, folder, address, target)
    }

    fn begin(
        program: &Path,
        arguments: &[OsString],
        folder: TempDir,
        address: SocketAddr,
        target: &str,
    ) -> Result<Started, Failed> {
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env_clear().stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let process = command.spawn().map_err(|e| format!("`{}`: {e}", program.display()))?;
        let mut started = Started { process, address, folder, first_answer: Duration::ZERO };
        while !started.answers(target) {
            if begun.elapsed() > TIMEOUT || started.process.try_wait()?.is_some() {
                let log = fs::read_to_string(started.path("log")).unwrap_or_default();
                return Err(format!("`{}` does not serve `{target}`: {log}", program.display()).into());
            }
            sleep(PAUSE);
        }
        started.first_answer = begun.elapsed();
        Ok(started)
    }

    /// The time from the start of the process to its first answer.
    pub(crate) fn first_answer(&self) -> Duration {
        self.first_answer
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn client(&self) -> Result<Client, Failed> {
        Client::connect(self.address)
    }

    /// The configuration with this server's port.
    pub(crate) fn on_its_port(&self, config: &str) -> String {
        on_port(config, self.address)
    }

    /// Sends a `GET`. A status other than 200 is an error.
    fn get(&self, target: &str) -> Result<Answer, Failed> {
        let answer = self.client()?.get(target)?;
        if answer.status == 200 { Ok(answer) } else { Err(format!("{target}: {}", answer.status).into()) }
    }

    fn answers(&self, target: &str) -> bool {
        self.get(target).is_ok()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn on_port(config: &str, address: SocketAddr) -> String {
    config.replacen("port: 8080", &format!("port: {}", address.port()), 1)
}

/// The headers of an answer, one per line, without those that every server adds.
fn whole_head(answer: &Answer) -> String {
    head(answer, |name| !matches!(name, "content-length" | "date" | "connection"))
}

/// The headers of an answer that the predicate accepts, one per line.
fn head(answer: &Answer, carried: impl Fn(&str) -> bool) -> String {
    let carried = answer.headers.iter().filter(|(name, _)| carried(&name.to_ascii_lowercase()));
    carried.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use conformance::Server;

    use super::Files;
    use crate::servers::sources;
    use crate::servers::subject::ALL;

    /// The counterparts' template is the repository's, word for word, in the other language's notation. The script, which only
    /// a demo has, is left out.
    #[test]
    fn the_counterparts_show_the_same_page() {
        let mut page = Server::shipped_template("index.html");
        page = page.replace("  <script src=\"{{ page_script }}\" defer></script>\n", "");
        page = page.replace("{{ ", "{{ .").replace("{% if ", "{{ if .").replace(" -%}", " -}}");
        page = page
            .replace("{%- endif %}", "{{- end }}")
            .replace("{% endif %}", "{{ end }}")
            .replace(" %}", " }}");
        let theirs =
            std::fs::read_to_string(sources::of_counterparts().join("templates/index.html")).unwrap();
        assert!(page == theirs, "peers/go/templates/index.html differs from templates/index.html");
    }

    #[test]
    fn a_template_of_three_values_is_in_the_notation_of_its_reader() {
        let [demo, counterpart] = [&ALL[0], &ALL[7]].map(Files::with_three_values);
        assert!(demo.template.starts_with("{{ app_name }} {{ database.name }} "));
        assert!(counterpart.template.starts_with("{{ .app_name }} {{ .database.name }} "));
    }
}
