//! Programs that watch files and restart or reload by themselves, in a command line.

use std::path::Path;

/// A program that restarts another one, or itself, after an edit. Under hotrun both would act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reloader {
    /// As it is written: `tsx watch`, `uvicorn --reload`.
    pub(crate) name: String,
    /// The command without it, if it is known.
    pub(crate) without: Option<String>,
}

/// Servers of pages in development. They pass edits on to browsers without a restart.
const DEV_SERVERS: [&str; 17] = [
    "vite",
    "vite dev",
    "next dev",
    "nuxt dev",
    "nuxi dev",
    "astro dev",
    "remix vite:dev",
    "react-router dev",
    "react-scripts start",
    "webpack serve",
    "webpack-dev-server",
    "ng serve",
    "vue-cli-service serve",
    "parcel",
    "gatsby develop",
    "ember serve",
    "rsbuild dev",
];

/// Programs that run any command again after an edit.
const RUNNERS: [&str; 8] =
    ["air", "watchexec", "cargo-watch", "entr", "reflex", "watchmedo", "ts-node-dev", "tsnd"];

/// The options of uvicorn, gunicorn and hypercorn about reloading; the last ones have a value.
const RELOAD: [&str; 6] = [
    "--reload",
    "--reload-dir",
    "--reload-include",
    "--reload-exclude",
    "--reload-delay",
    "--reload-extra-file",
];

/// The reloader in a command line.
pub(crate) fn reloader(line: &str) -> Option<Reloader> {
    let is_one_command = !line.contains(['|', '&', ';', '\n', '(', '$', '`']);
    let words: Vec<&str> = line.split_whitespace().collect();
    let names: Vec<&str> = words.iter().map(|word| name_of(word)).collect();
    let (name, without) = found(&words, &names)?;
    Some(Reloader { name, without: without.filter(|_| is_one_command).map(|words| words.join(" ")) })
}

/// The server of pages that the line starts, which needs no restart after an edit.
pub(crate) fn dev_server(line: &str) -> Option<&'static str> {
    let names: Vec<&str> = line.split_whitespace().map(name_of).collect();
    let is_in = |server: &&str| {
        let server: Vec<&str> = server.split(' ').collect();
        // Without a verb `vite build` would be one.
        match server[..] {
            [only] => names.iter().enumerate().any(|(at, name)| {
                *name == only && names.get(at + 1).is_none_or(|next| next.starts_with('-'))
            }),
            _ => names.windows(server.len()).any(|window| window == server),
        }
    };
    DEV_SERVERS.into_iter().find(is_in)
}

/// The name of the reloader, and the words without it.
fn found(words: &[&str], names: &[&str]) -> Option<(String, Option<Vec<String>>)> {
    let place = |name: &str| names.iter().position(|word| *word == name);
    let has = |word: &str| words.contains(&word);
    if let Some(at) = place("nodemon") {
        return Some(("nodemon".to_owned(), without_nodemon(words, at)));
    }
    for runtime in ["tsx", "node", "bun", "deno"] {
        let Some(at) = place(runtime) else { continue };
        let is_watch = |word: &&str| {
            (runtime == "tsx" && *word == "watch") || *word == "--hot" || word.starts_with("--watch")
        };
        let of_runtime = |word: &&&str| is_watch(word);
        // The options of the program, after its file, are its own.
        let options = words[at + 1..].iter().take_while(|word| is_watch(word) || word.starts_with('-'));
        if let Some(watch) = options.clone().find(of_runtime) {
            let rest = words.iter().enumerate().filter(|(place, word)| *place <= at || !is_watch(word));
            let rest = rest.map(|(_, word)| (*word).to_owned()).filter(|word| word != "--clear-screen=false");
            return Some((format!("{runtime} {watch}"), Some(rest.collect())));
        }
    }
    for server in ["uvicorn", "gunicorn", "hypercorn"] {
        if place(server).is_some() && has("--reload") {
            return Some((format!("{server} --reload"), Some(without_options(words, &RELOAD))));
        }
    }
    let with = |option: &str| Some(words.iter().copied().chain([option]).map(str::to_owned).collect());
    if place("flask").is_some() && has("run") && (has("--debug") || has("--reload")) && !has("--no-reload") {
        let rest: Vec<&str> = words.iter().copied().filter(|word| *word != "--reload").collect();
        let rest = rest.into_iter().chain(["--no-reload"]).map(str::to_owned).collect();
        return Some(("flask with `--debug`".to_owned(), Some(rest)));
    }
    if place("fastapi").is_some() && has("dev") && !has("--no-reload") {
        return Some(("fastapi dev".to_owned(), with("--no-reload")));
    }
    if place("manage.py").is_some() && has("runserver") && !has("--noreload") {
        return Some(("manage.py runserver".to_owned(), with("--noreload")));
    }
    if names.windows(2).any(|window| window == ["cargo", "watch"]) {
        return Some(("cargo watch".to_owned(), None));
    }
    let first =
        words.iter().position(|word| !word.contains('=') && !["exec", "npx", "env"].contains(word))?;
    RUNNERS.contains(&names[first]).then(|| (names[first].to_owned(), None))
}

/// `nodemon [OPTIONS] FILE`, or with `--exec COMMAND`.
fn without_nodemon(words: &[&str], at: usize) -> Option<Vec<String>> {
    const WITH_VALUE: [&str; 14] = [
        "-w", "--watch", "-e", "--ext", "-i", "--ignore", "-d", "--delay", "-s", "--signal", "--config",
        "-C", "-I", "-V",
    ];
    // Quotes are not read.
    if words.iter().any(|word| word.contains(['"', '\''])) {
        return None;
    }
    let mut rest = words[at + 1..].iter();
    let mut command = Vec::new();
    while let Some(word) = rest.next() {
        match *word {
            "-x" | "--exec" => command.push((*rest.next()?).to_owned()),
            option if WITH_VALUE[..11].contains(&option) => drop(rest.next()),
            option if option.starts_with('-') => {}
            file => {
                if command.is_empty() {
                    if has_ending(file, "ts") {
                        return None;
                    }
                    command.push("node".to_owned());
                }
                command.push(file.to_owned());
                command.extend(rest.by_ref().map(|word| (*word).to_owned()));
            }
        }
    }
    let before = words[..at].iter().filter(|word| word.contains('=')).map(|word| (*word).to_owned());
    (!command.is_empty()).then(|| before.chain(command).collect())
}

/// The words without these options; all but the first one have a value.
fn without_options(words: &[&str], options: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let option = options.iter().position(|option| {
            word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        });
        match option {
            None => left.push((*word).to_owned()),
            Some(0) => {}
            Some(_) if word.contains('=') => {}
            Some(_) => drop(words.next()),
        }
    }
    left
}

/// The word without quotes and folders.
fn name_of(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'']);
    word.rsplit('/').next().unwrap_or(word)
}

fn has_ending(file: &str, ending: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == ending)
}

#[cfg(test)]
mod tests {
    use super::{dev_server, reloader};

    /// Each row: a line, the reloader in it, and the line without it.
    #[test]
    fn a_reloader_is_found_and_removed() {
        for (line, expected) in [
            ("nodemon server.js", Some(("nodemon", Some("node server.js")))),
            (
                "nodemon -w src --ext ts,js src/app.js --port 1",
                Some(("nodemon", Some("node src/app.js --port 1"))),
            ),
            ("A=b npx nodemon -x tsx src/app.ts", Some(("nodemon", Some("A=b tsx src/app.ts")))),
            ("nodemon --exec 'tsx x' src/app.ts", Some(("nodemon", None))),
            ("nodemon src/app.ts", Some(("nodemon", None))),
            ("tsx watch src/index.ts", Some(("tsx watch", Some("tsx src/index.ts")))),
            (
                "NODE_ENV=x tsx watch --clear-screen=false src/a.ts",
                Some(("tsx watch", Some("NODE_ENV=x tsx src/a.ts"))),
            ),
            ("tsx src/watch.ts", None),
            ("tsx src/a.ts watch", None),
            ("node --watch server.js", Some(("node --watch", Some("node server.js")))),
            (
                "node --watch-path=src --inspect server.js",
                Some(("node --watch-path=src", Some("node --inspect server.js"))),
            ),
            ("node server.js --watch", None),
            ("bun --hot run index.ts", Some(("bun --hot", Some("bun run index.ts")))),
            (
                "uvicorn main:app --reload --reload-dir src --port 80",
                Some(("uvicorn --reload", Some("uvicorn main:app --port 80"))),
            ),
            (
                "python -m uvicorn main:app --reload",
                Some(("uvicorn --reload", Some("python -m uvicorn main:app"))),
            ),
            (
                ".venv/bin/gunicorn -w 4 --reload a:b",
                Some(("gunicorn --reload", Some(".venv/bin/gunicorn -w 4 a:b"))),
            ),
            ("gunicorn -w 4 a:b", None),
            (
                "flask --app app --debug run",
                Some(("flask with `--debug`", Some("flask --app app --debug run --no-reload"))),
            ),
            ("flask --app app run --debug --no-reload", None),
            ("flask run", None),
            (
                "python manage.py runserver 8001",
                Some(("manage.py runserver", Some("python manage.py runserver 8001 --noreload"))),
            ),
            ("python manage.py runserver --noreload", None),
            ("fastapi dev main.py", Some(("fastapi dev", Some("fastapi dev main.py --no-reload")))),
            ("npm run build && nodemon dist/x.js", Some(("nodemon", None))),
            ("concurrently \"tsc -w\" \"nodemon dist/x.js\"", Some(("nodemon", None))),
            ("cargo watch -x run", Some(("cargo watch", None))),
            ("watchexec -r ./x", Some(("watchexec", None))),
            ("./x --air", None),
            ("", None),
        ] {
            let found = reloader(line);
            let found = found.as_ref().map(|found| (found.name.as_str(), found.without.as_deref()));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_server_of_pages_is_told_from_its_build() {
        for (line, expected) in [
            ("vite", Some("vite")),
            ("vite --host", Some("vite")),
            ("vite build", None),
            ("NODE_ENV=development next dev -p 3001", Some("next dev")),
            ("next build", None),
            ("node vite.js", None),
        ] {
            assert_eq!(dev_server(line), expected, "{line}");
        }
    }
}
