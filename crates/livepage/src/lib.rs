//! The script with which a page follows its server.
//!
//! [`SCRIPT`] is the whole of `page.js`: plain JavaScript, which a page loads with `<script src="/page.js" defer></script>`.
//! It follows the server-sent events at `events`, beside itself. When something has changed, it fetches its page again and
//! applies the differences to the page that is shown.
//!
//! ```
//! let page = format!(
//!     r#"<!doctype html>
//! <html lang="en" data-live-refresh="5">
//! <script src="/page.js" defer></script>
//! <p role="status" data-live-state="connecting">connecting</p>
//! <div role="alert"><pre data-live-problem data-live-message hidden></pre></div>
//! <p>Last change: <span data-live-changed>none yet</span> <span data-live-at></span></p>
//! <p>Hello, {name}. It is <time data-live-quiet>{now}</time>.</p>"#,
//!     name = "Ada",
//!     now = "12:00:00",
//! );
//! // What the server sends for `/page.js`, as `text/javascript`:
//! assert!(livepage::SCRIPT.contains("EventSource"));
//! # assert!(page.contains("data-live-state"));
//! ```
//!
//! # The attributes it knows
//!
//! | attribute | on | what the script does |
//! | --- | --- | --- |
//! | `data-live-refresh="5"` | any element, usually `html` | fetches the page in this interval of seconds, so that clocks are right; read again after every update; without it only events cause updates |
//! | `data-live-state` | any | its text is the state of the connection in words, its value one of `connecting`, `connected`, `stale` (the page could not be fetched), `reconnecting`, `moved` |
//! | `data-live-problem` | a box | `hidden` while there is no problem |
//! | `data-live-message` | in that box, or on it | its text is the server's message of each problem |
//! | `data-live-changed`, `data-live-at` | any | their text is the last change and its time, after the first change |
//! | `data-live-quiet` | any | changes inside are not marked |
//!
//! A changed element has the class `live-changed` for 1.6 seconds. The page's style decides how that looks, and whether it
//! moves (see `prefers-reduced-motion`).
//!
//! # The events it follows
//!
//! | event | fields | meaning |
//! | --- | --- | --- |
//! | `hello` | `instance`, `build`, `generation` | the stream begins; a `problem` follows for each one that is not solved |
//! | `config`, `template` | `changed`: a list of names | a change is in force; it also solves a problem of the source `config` or `templates` |
//! | `problem` | `source`, `message` | something was rejected |
//! | `solved` | `source`; without it all sources | a problem is over |
//! | `bye` | `location` | the server is about to end |
//!
//! # The invariant
//!
//! *The visitor's changes to the page stay.* The script keeps the page as it was sent last. It applies only the differences
//! between two sendings. Text that was typed, and selected, focused, scrolled or opened elements are no difference. An element
//! with an `id` keeps its state even if it moves to another part of the page. So give fields an `id`.
//!
//! No failure ends it. A stream that breaks, or has another status than 200, is opened again after 125 to 4,000 ms. If the page
//! cannot be fetched, the old one stays. After a `bye` the next stream is asked for within 400 ms. If `bye` names another
//! origin, the script goes there as soon as that answers. It takes along the texts of text fields that have an `id`.
//!
//! It needs nothing that a strict content security policy forbids: `script-src 'self'; connect-src 'self'` is enough.
//!
//! # What it deliberately does not do
//!
//! - It runs no script that an update brings, not even a newer version of itself. The next navigation does.
//! - It does not update a page from an answer with another status than 200.
//! - It does not know how a page looks. It puts the server's messages into a page as text only.
//! - It needs a connection for each open page. Over HTTP/1 a browser has six to one server, so a seventh tab waits.

/// The whole of `page.js`, to be served as `text/javascript`.
pub const SCRIPT: &str = include_str!("page.js");
