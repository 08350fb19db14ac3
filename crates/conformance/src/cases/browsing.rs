//! The page, in a browser.

use crate::{
    Browser, Demo, Failed, Running,
    claim::{Verdict, claims},
    wait_for,
};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpListener,
};

claims! {
    one demo:
        an_edit_appears_without_a_reload;
    full tier:
        the_page_shows_the_values,
        a_template_appears_without_a_reload,
        input_focus_and_scroll_position_stay,
        a_problem_is_shown_and_disappears,
        the_stream_reopens_after_the_server_is_replaced,
        the_stream_reopens_after_an_answer_that_is_not_200,
        a_page_under_maintenance_comes_back_by_itself;
}

/// The reason why no browser can be started here, if any.
pub(crate) fn missing() -> Option<String> {
    Browser::missing()
}

fn the_page_shows_the_values(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let browser = visiting(&server)?;
    for shown in ["MyRustApp", "localhost", "Initial message at ", &demo.framework()] {
        browser.wait_for_text(shown)?;
    }
    Ok(())
}

fn an_edit_appears_without_a_reload(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let browser = visiting(&server)?;
    server.edit("app_name: MyRustApp", "app_name: EditedWhileOpen")?;
    browser.wait_for_text("EditedWhileOpen")?;
    browser.wait_for_text("Config updated at ")?;
    server.edit("feature_flag_a: true", "feature_flag_a: false")?;
    browser.wait_for_text("feature_flag_a")?;
    browser.wait_for("!document.body.innerText.includes('Feature A')")?;
    not_reloaded(&browser)
}

fn a_template_appears_without_a_reload(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let browser = visiting(&server)?;
    let page = crate::Server::shipped_template("index.html");
    server.replace("templates/index.html", page.replace("</body>", "<p>a paragraph more</p></body>"))?;
    browser.wait_for_text("a paragraph more")?;
    not_reloaded(&browser)
}

fn input_focus_and_scroll_position_stay(demo: &Demo) -> Verdict {
    // It is above everything that the edit makes longer or shorter, so the window must not scroll at all.
    let page = crate::Server::shipped_template("index.html");
    let first = "<body><input id=\"typed\"><div style=\"height: 2000px\"></div>";
    let server = demo.server().template("index.html", &page.replacen("<body>", first, 1)).start()?;
    let browser = visiting(&server)?;
    browser.type_into("#typed", "half a sentence")?;
    browser.run("document.querySelector('#typed').setSelectionRange(5, 7); scrollTo(0, 700)")?;
    let state = "const field = document.querySelector('#typed'); \
                 return [field.value, document.activeElement === field, \
                 field.selectionStart, field.selectionEnd, Math.round(scrollY)]";
    let before = json!(["half a sentence", true, 5, 7, 700]);
    assert_eq!(browser.run(state)?, before);
    server.edit("app_name: MyRustApp", "app_name: EditedWhileTyping")?;
    browser.wait_for_text("EditedWhileTyping")?;
    assert_eq!(browser.run(state)?, before);
    not_reloaded(&browser)
}

fn a_problem_is_shown_and_disappears(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let browser = visiting(&server)?;
    let config = server.config()?;
    server.edit("port: 8080", "port: 65536")?;
    // The text of the diagnosis.
    browser.wait_for_text("65535")?;
    server.replace("config.yaml", config)?;
    browser.wait_for("!document.body.innerText.includes('65535')")?;
    not_reloaded(&browser)
}

fn the_stream_reopens_after_the_server_is_replaced(demo: &Demo) -> Verdict {
    let first = demo.server().args("--linger 0.2").start()?;
    let browser = visiting(&first)?;
    let second = demo.server().listener(first.listener()?).edited("MyRustApp", "TheSuccessor").start()?;
    first.stop()?;
    browser.wait_for_text("TheSuccessor")?;
    second.edit("TheSuccessor", "EditedInTheSuccessor")?;
    browser.wait_for_text("EditedInTheSuccessor")?;
    not_reloaded(&browser)
}

/// While the server is away, another listener answers 503 to every request.
fn the_stream_reopens_after_an_answer_that_is_not_200(demo: &Demo) -> Verdict {
    let first = demo.server().args("--linger 0.2").start()?;
    let browser = visiting(&first)?;
    let socket = first.listener()?;
    first.stop()?;
    for _ in 0..3 {
        refuse(&socket)?;
    }
    let _second = demo.server().listener(socket).edited("MyRustApp", "BackAgain").start()?;
    browser.wait_for_text("BackAgain")?;
    not_reloaded(&browser)
}

fn a_page_under_maintenance_comes_back_by_itself(demo: &Demo) -> Verdict {
    let server = demo.server().start()?;
    let browser = visiting(&server)?;
    let config = server.config()?;
    server.replace("config.yaml", format!("{config}\nmaintenance: true\n"))?;
    server.wait_for_generation(2)?;
    server.replace("config.yaml", config.replace("MyRustApp", "AfterMaintenance"))?;
    browser.wait_for_text("AfterMaintenance")?;
    Ok(())
}

/// Opens the server's page in a browser, waits for the stream, and sets a variable that a reload would remove.
fn visiting(server: &Running) -> Result<Browser, Failed> {
    let browser = Browser::start()?;
    browser.open(&format!("http://{}/", server.address()))?;
    browser.wait_for("document.querySelector('[data-live-state=\"connected\"]')")?;
    browser.run("window.mark = 'the same document'")?;
    Ok(browser)
}

fn not_reloaded(browser: &Browser) -> Verdict {
    assert_eq!(browser.run("return window.mark || null")?, "the same document");
    Ok(())
}

/// Accepts one connection and answers 503.
fn refuse(socket: &TcpListener) -> Verdict {
    // The server has made the socket non-blocking.
    let (mut stream, _) = wait_for("the browser to ask again", || socket.accept().ok())?;
    stream.set_nonblocking(false)?;
    let _ = stream.read(&mut [0; 4096])?;
    stream
        .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(())
}
