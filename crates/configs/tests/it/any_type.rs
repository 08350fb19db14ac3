//! Settings of any type.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU8;

use configs::{Configs, Diagnosis};
use garde::Validate;
use serde::Deserialize;

use crate::desk::{Desk, until};

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "kebab-case")]
#[garde(allow_unvalidated)]
struct Everything {
    text: String,
    number: i64,
    ratio: f32,
    letter: char,
    address: IpAddr,
    few: NonZeroU8,
    level: Level,
    #[garde(length(max = 2))]
    list: Vec<u8>,
    pair: (u8, String),
    by_number: BTreeMap<u16, bool>,
    headers: HashMap<String, String>,
    shape: Shape,
    untagged: Untagged,
    #[serde(default)]
    optional: Option<String>,
    #[garde(dive)]
    nested_items: Vec<Item>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    Low,
    High,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Circle { radius: u32 },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
}

#[derive(Debug, Deserialize, Validate)]
struct Item {
    #[garde(range(min = 1))]
    weight: u32,
}

const EVERYTHING: &str = "\
text: 0123
number: -0x10
ratio: 2
letter: ä
address: ::1
few: 3
level: high
list: [1, 2]
pair: [7, seven]
by-number:
  80: true
headers:
  x-frame-options: deny
shape:
  circle:
    radius: 4
untagged: some text
optional: ~
nested-items:
  - weight: 5
  - weight: 6
";

#[test]
fn every_kind_of_value_is_read() {
    let read = open(EVERYTHING).unwrap();
    let read = read.load();
    assert_eq!(read.text, "0123");
    assert_eq!((read.number, read.letter), (-16, 'ä'));
    assert!((read.ratio - 2.0).abs() < f32::EPSILON);
    assert_eq!(read.address, "::1".parse::<IpAddr>().unwrap());
    assert_eq!(read.few.get(), 3);
    assert_eq!(read.level, Level::High);
    assert_eq!((&read.list[..], &read.pair), (&[1, 2][..], &(7, "seven".to_owned())));
    assert!(read.by_number[&80]);
    assert_eq!(read.headers["x-frame-options"], "deny", "no key is unknown to a map");
    assert_eq!(read.shape, Shape::Circle { radius: 4 });
    assert_eq!(read.untagged, Untagged::Text("some text".to_owned()));
    assert_eq!((read.optional.as_ref(), read.nested_items.len()), (None, 2));
}

#[test]
fn every_mistake_finds_its_place() {
    for (line, instead, said) in [
        ("few: 3", "few: 0", "6:6: few: expected a whole number from 1 to 255, found `0`"),
        ("few: 3", "few: 300", "6:6: few: expected a whole number from 1 to 255, found `300`"),
        (
            "level: high",
            "level: hihg",
            "7:8: level: expected one of `low`, `high`, found `hihg` (did you mean `high`?)",
        ),
        ("ratio: 2", "ratio: much", "3:8: ratio: expected a number, found `much`"),
        ("[1, 2]", "[1, 256]", "8:11: list.1: expected a whole number from 0 to 255, found `256`"),
        ("[1, 2]", "[1, 2, 3]", "8:7: list: length is greater than 2"),
        ("letter: ä", "letter: ab", "4:9: letter: expected a character, found `ab`"),
        ("address: ::1", "address: home", "5:10: address: invalid IP address syntax"),
        (
            "  80: true",
            "  eighty: true",
            "11:3: by-number.eighty: expected a whole number from 0 to 65535, found `eighty`",
        ),
        ("  80: true", "  80: 1", "11:7: by-number.80: expected `true` or `false`, found `1`"),
        ("radius: 4", "radios: 4", "16:5: shape.circle.radios: unknown key (did you mean `radius`?)"),
        ("weight: 6", "weight: 0", "21:13: nested_items.1.weight: lower than 1, found `0`"),
        ("by-number:", "by_number:", "10:1: by_number: unknown key (did you mean `by-number`?)"),
        ("pair: [7, seven]", "pair: [7]", "9:7: pair: expected a tuple of size 2, found 1 elements"),
    ] {
        assert!(EVERYTHING.contains(line), "{line}");
        let diagnosis = open(&EVERYTHING.replacen(line, instead, 1)).map(drop).expect_err(instead);
        let message = diagnosis.message();
        assert!(message.ends_with(&format!("config.yaml:{said}")), "{instead}: {message}");
    }
}

#[test]
fn an_empty_section_is_a_section() {
    #[derive(Debug, Deserialize, Validate)]
    #[garde(allow_unvalidated)]
    struct Server {
        tls: Option<Tls>,
        mode: Mode,
    }
    #[derive(Debug, Deserialize)]
    struct Tls {
        #[serde(rename = "port")]
        _port: Option<u16>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    enum Mode {
        Fast {},
        Safe {},
    }
    let desk = Desk::with("mode: {Fast: {}}\n");
    let server = Configs::<Server>::builder().validate().file(desk.config()).open().unwrap();
    assert!(server.load().tls.is_none());
    desk.save("mode: {Fast: {}}\ntls: {}\n");
    until("there is a section", || server.load().tls.is_some());
    desk.save("mode: {Safe: {}}\ntls: {}\n");
    until("it is another variant", || server.load().mode == Mode::Safe {});
    desk.save("mode: {Safe: {}}\n");
    until("the section is gone", || server.load().tls.is_none());
}

#[test]
fn a_panic_in_the_types_own_code_is_a_rejection() {
    #[derive(Debug, Deserialize, Validate)]
    struct Fragile {
        #[garde(custom(superstitious))]
        number: u32,
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "garde calls a check with references")]
    fn superstitious(number: &u32, (): &()) -> garde::Result {
        assert_ne!(*number, 13, "superstition");
        if *number > 0 { Ok(()) } else { Err(garde::Error::new("expected more")) }
    }
    let desk = Desk::with("number: 13");
    let opened = Configs::<Fragile>::builder().validate().file(desk.config()).open();
    assert!(opened.map(drop).expect_err("a panic").message().contains("panicked"));
    desk.save("number: 12");
    assert_eq!(
        Configs::<Fragile>::builder().validate().file(desk.config()).open().unwrap().load().number,
        12
    );
}

fn open(config: &str) -> Result<Configs<Everything>, Diagnosis> {
    let desk = Desk::with(config);
    Configs::builder().validate().file(desk.config()).open()
}
