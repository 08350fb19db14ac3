//! The command line of each runner, as its documentation has it for a server that a script builds.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::env::temp_dir;

/// One runner.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    program: PathBuf,
    /// The name and the text of its settings file.
    settings: Option<(&'static str, &'static str)>,
    args: &'static [&'static str],
}

/// Builds, then becomes the server: for tools that only run a command.
const BOTH: &str = "./build.sh && exec ./target/debug/site";

impl Tool {
    /// The runners whose programs are in this folder.
    pub(crate) fn all(folder: &Path) -> Vec<Tool> {
        let mut tools = vec![
            Tool {
                name: "hotrun",
                program: folder.join("hotrun"),
                settings: Some((
                    ".hotrun.toml",
                    "[build]\ncmd = \"./build.sh\"\nbin = \"target/debug/site\"\ninclude_ext = [\"rs\"]\n",
                )),
                args: &[],
            },
            Tool {
                name: "watchexec",
                program: folder.join("watchexec"),
                settings: None,
                args: &["--restart", "--exts", "rs", "--shell", "sh", "--", BOTH],
            },
            Tool {
                name: "cargo-watch",
                program: folder.join("cargo-watch"),
                settings: None,
                args: &["watch", "--watch", "src", "--shell", BOTH],
            },
            Tool {
                name: "bacon",
                program: folder.join("bacon"),
                settings: Some((
                    "bacon.toml",
                    "[jobs.serve]\ncommand = [\"sh\", \"-c\", \"./build.sh && exec ./target/debug/site\"]\n\
                     need_stdout = true\nallow_warnings = true\nbackground = false\n\
                     on_change_strategy = \"kill_then_restart\"\n",
                )),
                args: &["--headless", "--job", "serve"],
            },
            Tool {
                name: "air",
                program: folder.join("air"),
                settings: Some((
                    ".air.toml",
                    "[build]\ncmd = \"./build.sh\"\nbin = \"./target/debug/site\"\ninclude_ext = [\"rs\"]\nexclude_dir = [\"target\", \"tmp\"]\n",
                )),
                args: &[],
            },
        ];
        tools.retain(|tool| tool.program.exists());
        tools
    }

    /// hotrun with other settings, if its program is in this folder. `ADDRESS` in them is the first program's.
    pub(crate) fn hotrun(folder: &Path, settings: &'static str) -> Option<Tool> {
        let mut tools = Tool::all(folder).into_iter();
        let hotrun = tools.find(|tool| tool.name == "hotrun")?;
        Some(Tool { settings: Some((".hotrun.toml", settings)), ..hotrun })
    }

    /// Writes its settings into a project and returns the command that starts it there.
    pub(crate) fn command(&self, project: &Path, address: SocketAddr) -> io::Result<Command> {
        if let Some((name, text)) = self.settings {
            fs::write(project.join(name), text.replace("ADDRESS", &address.to_string()))?;
        }
        let mut command = Command::new(&self.program);
        command.args(self.args).current_dir(project);
        command.env("TMPDIR", temp_dir()).env_remove("CARGO_TARGET_DIR");
        Ok(command)
    }
}
