//! Node projects: a folder with a `package.json`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::plan::CommandLine;
use crate::reloader::{dev_server, reloader};
use crate::suggestion::{Line, Suggestion, existing};

const KIND: &str = "a Node project";

/// The endings of files that a server reads at its start.
const ENDINGS: [&str; 9] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json"];

/// Folders with files that a server sends as they are, or that a build or a test makes.
const LEFT_OUT: [&str; 4] = ["public", "static", "dist", "coverage"];

/// Names of a program, if `package.json` names none.
const FILES: [&str; 6] = ["server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs"];

pub(super) fn of(folder: &Path) -> Option<Result<Suggestion, String>> {
    let text = fs::read_to_string(folder.join("package.json")).ok()?;
    let package: Value = match serde_json::from_str(&text) {
        Ok(package) => package,
        Err(error) => return Some(Err(format!("`package.json` cannot be read: {error}"))),
    };
    Some(suggestion(folder, &package))
}

fn suggestion(folder: &Path, package: &Value) -> Result<Suggestion, String> {
    let script =
        |name: &str| package["scripts"][name].as_str().map(str::trim).filter(|line| !line.is_empty());
    let run = |name: &str| format!("{} run {name}", package_manager(folder));
    let ends = |suggestion: Suggestion| {
        suggestion.with_list("include_ext", &ENDINGS).with_list("exclude_dir", &existing(folder, &LEFT_OUT))
    };
    let mut refused = None;
    for name in ["dev", "start", "serve"] {
        let Some(line) = script(name) else { continue };
        if let Some(server) = dev_server(line) {
            let why = format!("`{server}` takes edits in itself: it is run, and nothing restarts it.");
            let mut suggestion = Suggestion::of_line(KIND, &run(name), Some(why));
            suggestion.build.push(Line::list("include_ext", &[]));
            return Ok(suggestion);
        }
        if let Some(found) = reloader(line) {
            if let Some(without) = found.without.as_deref().and_then(direct) {
                let why = format!("The script `{name}` without `{}`: hotrun restarts it.", found.name);
                return Ok(ends(Suggestion::of_line(KIND, &without, Some(why))));
            }
            refused.get_or_insert(format!(
                "the script `{name}` of `package.json` runs `{}`, which restarts the program itself; give the command without it as \
                 `build.full_bin`",
                found.name
            ));
            continue;
        }
        if name != "dev"
            && let Some(build) = script("build")
            && reads_output(line)
            && dev_server(build).is_none()
        {
            let mut suggestion = Suggestion::of_line(KIND, &run(name), None);
            suggestion.build.push(Line::text("cmd", &run("build")));
            let suggestion = suggestion.with_list("include_ext", &ENDINGS);
            return Ok(
                suggestion.with_list("exclude_dir", &["public", "static", "dist", "build", "coverage"])
            );
        }
        let has_hooks = ["pre", "post"].iter().any(|hook| script(&format!("{hook}{name}")).is_some());
        if line.starts_with("node ") && !has_hooks && CommandLine::simple(line).is_some() {
            let why = format!("The script `{name}`; without npm between, it starts sooner.");
            return Ok(ends(Suggestion::of_line(KIND, line, Some(why))));
        }
        return Ok(ends(Suggestion::of_line(KIND, &run(name), None)));
    }
    if let Some(words) = refused {
        return Err(words);
    }
    let main = package["main"].as_str().into_iter().chain(FILES);
    let main = main.into_iter().find(|file| folder.join(file).is_file());
    let main = main.ok_or(
        "nothing to run: `package.json` has no script `dev` or `start`, and there is no `server.js` or `index.js`; give the command as \
         `build.full_bin`",
    )?;
    Ok(ends(Suggestion::of_line(KIND, &format!("node {main}"), None)))
}

/// The line with a program of `node_modules` by its path. `None` if it is no plain line.
fn direct(line: &str) -> Option<String> {
    let CommandLine { env, words } = CommandLine::parse(line)?;
    let words = words.iter().map(String::as_str);
    // They only set variables, or find the program.
    let mut words = words.skip_while(|word| ["npx", "cross-env", "env"].contains(word)).peekable();
    let mut all: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    while let Some(variable) = words.next_if(|word| word.contains('=')) {
        all.push(variable.to_owned());
    }
    let first = words.next()?;
    if first == "tsx" {
        // The program `tsx` starts node as a child, and listens on a Unix socket before it does.
        all.extend(["node", "--import", "tsx"].map(str::to_owned));
    } else if first.contains('/') || ["node", "bun", "deno"].contains(&first) {
        all.push(first.to_owned());
    } else {
        all.push(format!("node_modules/.bin/{first}"));
    }
    all.extend(words.map(str::to_owned));
    let line = all.join(" ");
    CommandLine::parse(&line).map(|_| line)
}

/// True if the line runs a file that a build makes.
fn reads_output(line: &str) -> bool {
    let is_output = |word: &str| {
        ["dist/", "build/", "lib/", "out/"]
            .iter()
            .any(|folder| word.trim_start_matches("./").starts_with(folder))
    };
    line.split_whitespace().any(is_output)
}

/// The program whose lock file is there.
fn package_manager(folder: &Path) -> &'static str {
    const LOCKS: [(&str, &str); 5] = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
    ];
    LOCKS.iter().find(|(lock, _)| folder.join(lock).exists()).map_or("npm", |(_, program)| program)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::suggestion;

    /// Each row: the scripts, and the program, or the beginning of the error.
    #[test]
    fn the_program_is_a_script_without_its_reloader() {
        let folder = tempfile::tempdir().unwrap();
        for (scripts, expected) in [
            (json!({ "dev": "vite" }), "`npm run dev`"),
            (json!({ "dev": "node server.js", "start": "x" }), "`node server.js`"),
            (json!({ "dev": "node server.js", "predev": "x" }), "`npm run dev`"),
            (json!({ "dev": "node server.js | pino-pretty" }), "`npm run dev`"),
            (json!({ "dev": "tsx watch src/a.ts" }), "`node --import tsx src/a.ts`"),
            (json!({ "dev": "nodemon --exec ts-node src/a.ts" }), "`node_modules/.bin/ts-node src/a.ts`"),
            (json!({ "dev": "cross-env A=b nodemon a.js" }), "`A=b node a.js`"),
            (json!({ "dev": "A=b node --watch a.js" }), "`A=b node a.js`"),
            (
                json!({ "dev": "ts-node-dev src/a.ts", "start": "node dist/a.js", "build": "tsc" }),
                "`npm run start`",
            ),
            (
                json!({ "dev": "ts-node-dev src/a.ts" }),
                "the script `dev` of `package.json` runs `ts-node-dev`",
            ),
            (json!({}), "nothing to run: `package.json` has no script"),
        ] {
            let found = suggestion(folder.path(), &json!({ "scripts": scripts }));
            let found = found.map_or_else(|words| words, |found| found.runs);
            assert!(found.starts_with(expected), "{scripts}: {found}");
        }
        std::fs::write(folder.path().join("pnpm-lock.yaml"), "").unwrap();
        let found = suggestion(folder.path(), &json!({ "scripts": { "dev": "next dev" } })).unwrap();
        assert_eq!(found.runs, "`pnpm run dev`");
    }
}
