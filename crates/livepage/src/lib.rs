//! The script with which a page follows its server.
//!
//! [`SCRIPT`] is the whole of `page.js`: plain JavaScript, to be served as it is and loaded with
//! `<script src="/page.js" defer></script>`. It follows the server-sent events of `events`, beside itself, and
//! whenever something changed it fetches the page it is on and does to the live one what differs.
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
//! | `data-live-refresh="5"` | any element, usually `html` | brings the page up to date in this period of seconds, for the sake of clocks; read again after every update; without it only events do |
//! | `data-live-state` | any | its text is the state of the connection in words, its value one of `connecting`, `connected`, `stale` (the page could not be fetched), `reconnecting`, `moved` |
//! | `data-live-problem` | a box | `hidden` while there is no problem |
//! | `data-live-message` | in that box, or on it | its text is the problem, or the problems, in the words of the server |
//! | `data-live-changed`, `data-live-at` | any | their text is what changed last and when, once something has |
//! | `data-live-quiet` | any | changes inside are not marked |
//!
//! A spot that changed has the class `live-changed` for 1.6 seconds; how that looks, and whether it moves, is up to the
//! page's style (mind `prefers-reduced-motion`).
//!
//! # The events it follows
//!
//! `hello` (`instance`, `build`, `generation`) when the stream begins, then `problem` (`source`, `message`) for each one
//! outstanding; `config` and `template` (`changed`: a list of names), which are also the end of a problem of the
//! source `config` or `templates`; `problem`; `solved` (`source`, or all of them); `bye` (`location`) before the server
//! goes.
//!
//! # The invariant
//!
//! *What the visitor did to the page stays.* The script keeps the page as it was sent last, and does to the live
//! one only what differs between two sendings: what was typed, selected, focused, scrolled or opened is not a difference. An
//! element with an `id` keeps its state even where it moves to another part of the page. So give fields an `id`.
//!
//! No failure ends it: a stream that breaks, or is answered with something else than 200, is opened again by itself after
//! 125 to 4,000 ms, a page that cannot be fetched leaves the old one in place. After a `bye` the next stream is asked for
//! within 400 ms; one that names another origin is followed there as soon as that answers, with what was typed into
//! text fields that have an `id`.
//!
//! It needs nothing that a strict content security policy forbids: `script-src 'self'; connect-src 'self'` is enough.
//!
//! # What it deliberately does not do
//!
//! - It runs no script that an update brings, a newer version of itself included: that is for the next navigation.
//! - It does not update a page that was answered with something else than 200, whatever that says.
//! - It knows nothing of how a page looks, and puts no words of the server's into a page but as text.
//! - It needs a connection for each page that is open: over HTTP/1 a browser has six to one server, so a seventh
//!   tab waits.

/// The whole of `page.js`, to be served as `text/javascript`.
pub const SCRIPT: &str = include_str!("page.js");
