//! Edits while the views are open: good ones go live, bad ones change nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use filewatch::RebuildLock;
use views::{Error, Event, Views};

use crate::folder::{Folder, VISITOR, trial};

/// How long an edit may take to be noticed before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn an_edit_goes_live_and_is_counted_and_named() {
    let folder = Folder::of(&[("index.html", "one"), ("part.html", "x")]);
    let (views, events) = followed(&folder);
    assert_eq!((page(&views).as_str(), views.load().version()), ("one", 1));
    folder.write("index.html", "two {{ name }}");
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!((page(&views).as_str(), views.load().version()), ("two &lt;Ada &amp; &quot;Co&quot;&gt;", 2));
}

#[test]
fn an_edit_of_an_included_or_extended_template_goes_live() {
    let folder = Folder::of(&[
        ("index.html", "{% extends 'base.html' %}{% block a %}{% include 'part.html' %}{% endblock %}"),
        ("base.html", "<{% block a %}{% endblock %}>"),
        ("part.html", "one"),
    ]);
    let (views, events) = followed(&folder);
    folder.write("part.html", "two");
    assert_eq!(published(&events), ["part.html"]);
    folder.write("base.html", "({% block a %}{% endblock %})");
    assert_eq!(published(&events), ["base.html"]);
    assert_eq!(page(&views), "(two)");
}

#[test]
fn templates_added_removed_and_renamed_count() {
    let folder = Folder::of(&[("index.html", "one"), ("old.html", "x")]);
    let (views, events) = followed(&folder);
    folder.write("deep/er/new.html", "new");
    assert_eq!(published(&events), ["deep/er/new.html"]);
    fs::rename(folder.path().join("old.html"), folder.path().join("renamed.html")).unwrap();
    assert_eq!(published(&events), ["old.html", "renamed.html"]);
    folder.remove("renamed.html");
    assert_eq!(published(&events), ["renamed.html"]);
    fs::rename(folder.path().join("deep"), folder.path().join("flat")).unwrap();
    assert_eq!(published(&events), ["deep/er/new.html", "flat/er/new.html"]);
    assert_eq!(views.load().names().collect::<Vec<_>>(), ["flat/er/new.html", "index.html"]);
    assert_eq!(views.load().version(), 5);
}

#[test]
fn a_folder_that_is_saved_again_while_it_is_first_tried_opens() {
    let folder = Folder::of(&[("index.html", "one")]);
    let (path, tries) = (folder.path().clone(), AtomicU32::new(0));
    let views = Views::open(folder.path(), &RebuildLock::new(), move |_| {
        if tries.fetch_add(1, Ordering::Relaxed) == 0 {
            save_beside_and_move(&path.join("index.html"), "one");
        }
        Ok(())
    });
    assert_eq!(page(&views.unwrap()), "one");
}

#[test]
fn a_bad_edit_keeps_the_last_good_set_and_a_mended_one_goes_live() {
    let folder = Folder::of(&[("index.html", "good")]);
    let (views, events) = followed(&folder);
    let mut version = 1;
    for (bad, words) in [
        (&b"{{ broken"[..], "index.html:1:"),
        (b"{{ name | shout }}", "unknown filter `shout`"),
        (b"{{ nobody }}", "variable `nobody` is not defined"),
        (b"{{ database.password }}", "field `password` is not defined"),
        (b"{% include 'index.html' %}", "includes itself"),
        (b"na\xefve", "is no UTF-8"),
        (b"{% for a in range(end=9999) %}{% for b in range(end=9999) %}{% endfor %}{% endfor %}", "steps"),
        (&vec![b'x'; (1 << 20) + 1], "index.html"),
    ] {
        folder.write("index.html", bad);
        let error = rejected(&events);
        assert!(error.message().contains(words), "{error}");
        assert_eq!((page(&views), views.load().version()), (format!("good{}", dots(version)), version));
        version += 1;
        folder.write("index.html", format!("good{}", dots(version)));
        assert_eq!(published(&events), ["index.html"]);
        assert_eq!((page(&views), views.load().version()), (format!("good{}", dots(version)), version));
    }
}

#[test]
fn a_circle_of_two_is_rejected_as_a_whole() {
    let folder = Folder::of(&[("index.html", "{% include 'a.html' %}"), ("a.html", "a"), ("b.html", "b")]);
    let (views, events) = followed(&folder);
    folder.write("b.html", "{% include 'a.html' %}");
    published(&events);
    folder.write("a.html", "{% include 'b.html' %}");
    assert!(rejected(&events).message().contains("includes itself: a.html > b.html > a.html"));
    assert_eq!(page(&views), "a");
}

#[test]
fn taking_a_bad_edit_back_is_told_as_unchanged() {
    let folder = Folder::of(&[("index.html", "good")]);
    let (views, events) = followed(&folder);
    folder.write("index.html", "{{ broken");
    rejected(&events);
    folder.write("index.html", "good");
    assert!(matches!(next(&events), Event::Unchanged { .. }));
    assert_eq!((page(&views).as_str(), views.load().version()), ("good", 1));
}

#[test]
fn a_folder_that_vanishes_keeps_the_last_good_set_and_may_come_back() {
    let folder = Folder::of(&[("index.html", "good"), ("part.html", "x")]);
    let (views, events) = followed(&folder);
    let away = folder.parent().join("away");
    fs::rename(folder.path(), &away).unwrap();
    assert!(rejected(&events).message().contains("templates"));
    assert_eq!(page(&views), "good");
    fs::write(away.join("index.html"), "back").unwrap();
    fs::rename(&away, folder.path()).unwrap();
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!(page(&views), "back");
    folder.remove("index.html");
    folder.remove("part.html");
    until(|| events.try_iter().any(|event| said(&event).contains("holds no template")));
    assert_eq!(page(&views), "back");
}

#[test]
fn a_symlink_to_the_whole_system_is_named_and_changes_nothing() {
    let folder = Folder::of(&[("index.html", "good")]);
    let (views, events) = followed(&folder);
    let link = folder.path().join("root");
    symlink("/", &link).unwrap();
    let expected = format!("`{}` leads to more than 20000 files and folders", link.display());
    assert!(rejected(&events).message().starts_with(&expected));
    folder.write("index.html", "edited");
    fs::remove_file(&link).unwrap();
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!(page(&views), "edited");
}

#[test]
fn a_symlink_out_of_the_folder_is_followed() {
    let folder = Folder::of(&[("index.html", "{% include 'other.html' %}"), ("other.html", "inside")]);
    let (views, events) = followed(&folder);
    let outside = folder.parent().join("outside");
    fs::write(&outside, "outside").unwrap();
    folder.remove("other.html");
    symlink(&outside, folder.path().join("other.html")).unwrap();
    until(|| events.try_iter().any(|event| matches!(event, Event::Published { .. })));
    assert_eq!(page(&views), "outside");
}

#[test]
fn a_missing_page_is_rejected_by_the_trial() {
    let folder = Folder::of(&[("index.html", "good"), ("part.html", "x")]);
    let (views, events) = followed(&folder);
    folder.remove("index.html");
    assert!(rejected(&events).message().contains("the folder holds part.html"));
    assert_eq!(page(&views), "good");
}

#[test]
fn the_trial_decides_and_reload_asks_it_again() {
    let folder = Folder::of(&[("index.html", "one")]);
    let open = Arc::new(AtomicBool::new(true));
    let door = Arc::clone(&open);
    let views = Views::open(folder.path(), &RebuildLock::new(), move |templates| {
        trial(templates)?;
        if door.load(Ordering::SeqCst) { Ok(()) } else { Err(Error::refused("not today")) }
    })
    .unwrap();
    let events = events(&views);
    open.store(false, Ordering::SeqCst);
    folder.write("index.html", "two");
    assert_eq!(rejected(&events).message(), "not today");
    assert_eq!(page(&views), "one");
    open.store(true, Ordering::SeqCst);
    views.reload();
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!(page(&views), "two");
    views.reload();
    assert!(matches!(next(&events), Event::Unchanged { .. }), "the same files are no new set");
}

#[test]
fn a_reader_keeps_the_set_that_it_took() {
    let folder = Folder::of(&[("index.html", "one")]);
    let (views, events) = followed(&folder);
    let taken = views.snapshot();
    folder.write("index.html", "two");
    published(&events);
    assert_eq!(taken.render("index.html", &VISITOR).unwrap(), "one");
    assert_eq!(page(&views), "two");
}

#[test]
fn a_panic_in_a_listener_or_a_trial_harms_nobody() {
    let folder = Folder::of(&[("index.html", "one")]);
    let trials = AtomicU32::new(0);
    let views = Views::open(folder.path(), &RebuildLock::new(), move |_| {
        assert!(trials.fetch_add(1, Ordering::SeqCst) != 1, "on purpose, the second time");
        Ok(())
    })
    .unwrap();
    views.on_event(|_| panic!("on purpose"));
    let events = events(&views);
    folder.write("index.html", "two");
    assert!(rejected(&events).message().contains("panicked"));
    folder.write("index.html", "three");
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!(page(&views), "three");
}

#[test]
fn nothing_changes_while_the_lock_is_held() {
    let folder = Folder::of(&[("index.html", "one")]);
    let lock = RebuildLock::new();
    let views = Views::open(folder.path(), &lock, trial).unwrap();
    let events = events(&views);
    let held = lock.hold();
    folder.write("index.html", "two");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(page(&views), "one");
    drop(held);
    assert_eq!(published(&events), ["index.html"]);
    assert_eq!(page(&views), "two");
}

#[test]
fn readers_see_whole_sets_only() {
    let set = |text: &str| {
        [("index.html", format!("{text}{{% include 'part.html' %}}")), ("part.html", text.to_owned())]
    };
    let folder = Folder::of(&set("0").each_ref().map(|(name, text)| (*name, text.as_str())));
    let views = Views::open(folder.path(), &RebuildLock::new(), |templates| {
        let page = templates.render("index.html", &VISITOR)?;
        // Two files are not written at once: what is half of one set and half of the other is for the trial to find.
        if whole(&page) { Ok(()) } else { Err(Error::refused("half and half")) }
    })
    .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = thread::spawn({
        let (views, done) = (views.clone(), Arc::clone(&done));
        move || {
            let mut read = 0_u32;
            while !done.load(Ordering::SeqCst) {
                let page = page(&views);
                assert!(whole(&page), "{page}");
                read += 1;
            }
            read
        }
    });
    for turn in 1..50 {
        for (name, text) in set(&turn.to_string()) {
            folder.write(name, text);
        }
    }
    until(|| page(&views) == "4949");
    done.store(true, Ordering::SeqCst);
    assert!(reader.join().unwrap() > 0);
    assert!(!whole("4849"), "the control");
}

fn whole(page: &str) -> bool {
    let (first, second) = page.split_at(page.len() / 2);
    first == second
}

fn followed(folder: &Folder) -> (Views, Receiver<Event>) {
    let views = folder.open().unwrap();
    let events = events(&views);
    (views, events)
}

fn events(views: &Views) -> Receiver<Event> {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    views.on_event(move |event| {
        if !matches!(event, Event::Degraded(_) | Event::Recovered(_)) {
            let _ = sender.lock().unwrap().send(event.clone());
        }
    });
    receiver
}

fn next(events: &Receiver<Event>) -> Event {
    events.recv_timeout(PATIENCE).unwrap()
}

fn published(events: &Receiver<Event>) -> Vec<String> {
    match next(events) {
        Event::Published { changed, .. } => changed,
        other => panic!("{other:?}"),
    }
}

fn rejected(events: &Receiver<Event>) -> Error {
    match next(events) {
        Event::Rejected { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

fn said(event: &Event) -> String {
    if let Event::Rejected { error, .. } = event { error.message() } else { String::new() }
}

fn page(views: &Views) -> String {
    views.load().render("index.html", &VISITOR).unwrap()
}

fn dots(count: u64) -> String {
    if count == 1 { String::new() } else { ".".repeat(usize::try_from(count).unwrap()) }
}

fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not in {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn save_beside_and_move(path: &Path, text: &str) {
    fs::write(path.with_extension("beside"), text).unwrap();
    fs::rename(path.with_extension("beside"), path).unwrap();
}
