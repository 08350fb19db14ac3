use std::fs;

use super::{of_build, of_program};

const PACKAGE: &str = r#"{ "scripts": { "dev": "nodemon a.js", "web": "vite", "start": "node a.js" } }"#;

/// Each row: a file with its text, a line, and what is wrong with it.
#[test]
fn a_program_that_would_fail_at_its_start_is_found() {
    for (file, text, line, expected) in [
        (
            "package.json",
            PACKAGE,
            "npm run dve",
            Some("there is no script `dve` in `package.json`, which has `dev`, `start`, `web`"),
        ),
        (
            "package.json",
            PACKAGE,
            "npm run dev",
            Some(
                "the script `dev` is `nodemon a.js`, and `nodemon` restarts it as well as hotrun, and then requests fail; give `node a.js` as `full_bin`",
            ),
        ),
        ("package.json", PACKAGE, "npm run web", Some("`vite` takes edits in itself")),
        ("package.json", PACKAGE, "npm start", None),
        ("package.json", PACKAGE, "npm install", None),
        (
            "package.json",
            r#"{ "scripts": { "start": "node a.js" }, "dependencies": { "express": "4" } }"#,
            "npm start",
            Some("there is no `node_modules`"),
        ),
        ("x", "", "npm run dev", Some("there is no `package.json` in")),
        (
            "main.py",
            "",
            "uvicorn main:app --reload --port 80",
            Some(
                "`uvicorn --reload` restarts it as well as hotrun, and then requests fail; give `full_bin = \"uvicorn main:app --port 80\"`",
            ),
        ),
        ("main.py", "", "uvicorn main:app --port 80", None),
        ("main.py", "", "uvicorn mian:app", Some("there is no `mian.py` in")),
        ("main.py", "", "gunicorn --bind 127.0.0.1:80 main:app", None),
        ("main.py", "", "gunicorn --bind localhost:80 main:app", None),
        (
            "gunicorn.conf.py",
            "workers = 2\nreload = True\n",
            "gunicorn a.b:app",
            Some("`reload = True` in `gunicorn.conf.py`"),
        ),
        (
            "app.py",
            "app.run(port=1, debug=True)",
            "python3 app.py",
            Some("`debug=True` in `app.py` restarts it"),
        ),
        ("app.py", "app.run(debug=True, use_reloader=False)", "python3.12 app.py", None),
        ("app.py", "", "FLASK_DEBUG=1 flask run", Some("`FLASK_DEBUG` is set, and Flask restarts it")),
        ("app.py", "", "FLASK_DEBUG=1 flask run --no-reload", None),
        ("app.py", "", "FLASK_DEBUG=0 flask run", None),
        ("app.py", "", "python3 -X dev x.py", None),
        ("app.py", "", "python3 -m http.server", None),
        ("app.py", "", "node server.js", Some("there is no `server.js` in")),
        ("app.py", "", "node server.js | pino", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        let found = of_program(line, folder.path(), &[], true);
        match expected {
            Some(words) => assert!(found.len() == 1 && found[0].contains(words), "{line}: {found:?}"),
            None => assert_eq!(found, Vec::<String>::new(), "{line}"),
        }
    }
}

#[test]
fn a_build_that_cannot_run_is_found() {
    let folder = tempfile::tempdir().unwrap();
    assert!(of_build("make all", folder.path())[0].contains("there is no `Makefile` in"));
    assert!(of_build("npm run build", folder.path())[0].contains("there is no `package.json` in"));
    fs::write(folder.path().join("Makefile"), "").unwrap();
    assert_eq!(of_build("make all", folder.path()), Vec::<String>::new());
}
