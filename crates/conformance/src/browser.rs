//! A browser that is driven through the WebDriver protocol.

use crate::{Answer, Client, Failed, Request, server::end, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tempfile::TempDir;

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";

/// Browsers start one after another: several at once hinder each other.
static TURN: Mutex<()> = Mutex::new(());

/// Upper bound on an answer of the driver, which includes the start of a browser.
const PATIENCE: Duration = Duration::from_mins(1);

/// The key of an element's id in the protocol's JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A headless browser with one window and its own profile. It ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// The reason why no browser can be started here, if any.
    pub fn missing() -> Option<String> {
        [BROWSER, DRIVER]
            .into_iter()
            .find(|path| !Path::new(path).exists())
            .map(|path| format!("{path} is missing"))
    }

    /// Starts a browser.
    pub fn start() -> Result<Browser, Failed> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = TempDir::new()?;
        let (driver, address) = start_driver()?;
        let mut browser = Browser { driver, address, session: String::new(), profile, _turn: turn };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--user-data-dir={}", browser.profile.path().display()),
        ];
        let options = json!({ "binary": BROWSER, "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = browser.ask("POST", "/session", &wanted)?;
        session["sessionId"].as_str().ok_or("no session")?.clone_into(&mut browser.session);
        Ok(browser)
    }

    /// Opens an address and waits until the page is loaded.
    pub fn open(&self, address: &str) -> Result<(), Failed> {
        self.act("/url", &json!({ "url": address }))?;
        Ok(())
    }

    /// Runs the body of a function in the page and returns its result.
    pub fn run(&self, script: &str) -> Result<Value, Failed> {
        self.act("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Types text into the element that the selector finds.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<(), Failed> {
        let element = self.act("/element", &json!({ "using": "css selector", "value": selector }))?;
        let element = element[ELEMENT].as_str().ok_or_else(|| format!("no element `{selector}`"))?;
        self.act(&format!("/element/{element}/value"), &json!({ "text": text }))?;
        Ok(())
    }

    /// Enters the frame that the selector finds. Later calls run, read and type there.
    pub fn enter(&self, selector: &str) -> Result<(), Failed> {
        let frame = self.act("/element", &json!({ "using": "css selector", "value": selector }))?;
        self.act("/frame", &json!({ "id": frame }))?;
        Ok(())
    }

    /// Leaves the frame. Later calls concern the page itself.
    pub fn leave_the_frame(&self) -> Result<(), Failed> {
        self.act("/frame", &json!({ "id": null }))?;
        Ok(())
    }

    /// Sets the size of the window, in CSS pixels, as on a device of that size.
    pub fn fit_into(&self, width: u32, height: u32) -> Result<(), Failed> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.act("/goog/cdp/execute", &command)?;
        Ok(())
    }

    /// The text that a visitor sees.
    pub fn text(&self) -> Result<String, Failed> {
        Ok(self.run("return document.body.innerText")?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until a visitor sees this text.
    pub fn wait_for_text(&self, text: &str) -> Result<(), Failed> {
        let mut last = String::new();
        wait_until(&format!("the text `{text}`"), || {
            last = self.text().unwrap_or_default();
            last.contains(text)
        })
        .map_err(|failed| format!("{}; the page says:\n{last}", failed.message().unwrap_or_default()).into())
    }

    /// Waits until an expression is true in the page.
    pub fn wait_for(&self, expression: &str) -> Result<(), Failed> {
        let script = format!("return Boolean({expression})");
        wait_for(expression, || self.run(&script).ok()?.as_bool()?.then_some(()))
    }

    fn act(&self, path: &str, parameters: &Value) -> Result<Value, Failed> {
        self.ask("POST", &format!("/session/{}{path}", self.session), parameters)
    }

    fn ask(&self, method: &str, path: &str, parameters: &Value) -> Result<Value, Failed> {
        let request = Request::new(method, path).header("Content-Type", "application/json");
        let answer: Answer =
            Client::patient(self.address, PATIENCE)?.request(&request.body(parameters.to_string()))?;
        let value = answer.json()?["value"].take();
        match value.get("error") {
            Some(error) => Err(format!("{path}: {error}: {}", value["message"]).into()),
            None => Ok(value),
        }
    }
}

/// Starts the driver and returns it with its address. On a busy machine it was seen to end at once without a port, so it is
/// started up to five times.
fn start_driver() -> Result<(Child, SocketAddr), Failed> {
    let mut printed = Vec::new();
    for _ in 0..5 {
        // Its own process group, so that `drop` can end all of its processes.
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("{DRIVER}: {e}"))?;
        for line in
            BufReader::new(driver.stdout.take().ok_or("stdout is a pipe")?).lines().map_while(Result::ok)
        {
            let port = line.rsplit_once("started successfully on port ");
            if let Some(port) = port.and_then(|(_, port)| port.trim_end_matches('.').parse::<u16>().ok()) {
                return Ok((driver, SocketAddr::from(([127, 0, 0, 1], port))));
            }
            printed.push(line);
        }
        end(&mut driver);
    }
    Err(format!("{DRIVER} does not start: {}", printed.join("\n")).into())
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}
