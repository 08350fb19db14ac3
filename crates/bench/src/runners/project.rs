//! The project that a runner builds and runs.

use std::{fs, io, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

const FILES_IN_A_FOLDER: u32 = 100;

const MANIFEST: &str = "[package]\nname = \"site\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";

/// The build script. It prints when it began and when it ended, in nanoseconds.
const BUILD: &str = "#!/bin/sh\ndate +%s%N > times/began\ncargo build -q\nstatus=$?\ndate +%s%N > times/ended\nexit $status\n";

/// A server. `VERSION` in the environment comes before its own version.
const SERVER: &str = r#"
use std::io::{Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

const VERSION: &str = "0";

fn main() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let listener = std::net::TcpListener::bind(ADDRESS).unwrap();
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::spawn(move || answer(stream, now));
    }
}

fn answer(mut stream: std::net::TcpStream, began: u128) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let version = std::env::var("VERSION").unwrap_or(VERSION.to_owned());
    let body = format!("version {version}. {began}");
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}
"#;

/// A project of one program, or another.
#[derive(Clone, Copy)]
pub(crate) enum Project {
    /// One program beside so many other files.
    One { files: u32 },
    /// Two programs, `a` and `b`, of the same source.
    Two,
    /// One program that does not compile.
    Broken,
}

impl Project {
    /// The number of its programs.
    pub(crate) fn programs(self) -> usize {
        if matches!(self, Self::Two) { 2 } else { 1 }
    }

    /// The file that has the version.
    pub(crate) fn edited(self) -> &'static str {
        if matches!(self, Self::Two) { "src/server.rs" } else { "src/main.rs" }
    }

    /// Writes the files. Each program has one of the addresses.
    pub(crate) fn make(self, folder: &Path, addresses: &[SocketAddr]) -> io::Result<()> {
        for name in ["src/bin", "times"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::write(folder.join("Cargo.toml"), MANIFEST)?;
        fs::write(folder.join(".gitignore"), "/target\n/times\n")?;
        let address = |address: SocketAddr| format!("const ADDRESS: &str = \"{address}\";\n");
        if matches!(self, Self::Two) {
            fs::write(folder.join(self.edited()), SERVER)?;
            for (name, of) in ["a", "b"].iter().zip(addresses) {
                let main = format!("{}include!(\"../server.rs\");\n", address(*of));
                fs::write(folder.join(format!("src/bin/{name}.rs")), main)?;
            }
        } else {
            let broken = if matches!(self, Self::Broken) { "nonsense" } else { "" };
            fs::write(folder.join(self.edited()), format!("{}{SERVER}{broken}", address(addresses[0])))?;
        }
        let script = folder.join("build.sh");
        fs::write(&script, BUILD)?;
        fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
        let files = if let Self::One { files } = self { files } else { 0 };
        for number in 0..files {
            let part = folder.join("src/data").join(format!("part_{}", number / FILES_IN_A_FOLDER));
            if number % FILES_IN_A_FOLDER == 0 {
                fs::create_dir_all(&part)?;
            }
            fs::write(part.join(format!("{number}.txt")), "data")?;
        }
        Ok(())
    }
}

/// The line of the server's source that has this version.
pub(crate) fn version_line(number: u32) -> String {
    format!("const VERSION: &str = \"{number}\";")
}
