//! Reads a table of the file key by key.

use toml_edit::{Item, TableLike};

use crate::settings::air;
use crate::settings::finding::Finding;
use crate::settings::value::{Fault, Read, kind};

/// Notes the keys that are read, so that the others are unknown.
pub(crate) struct Table<'d> {
    name: String,
    entries: Option<&'d dyn TableLike>,
    /// The name and the entries of another table, for keys that are missing here.
    base: Option<(&'static str, &'d dyn TableLike)>,
    asked: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl<'d> Table<'d> {
    /// The table of this name. The name of the top level is empty.
    pub(crate) fn of(name: &str, entries: &'d dyn TableLike) -> Self {
        Self {
            name: name.to_owned(),
            entries: Some(entries),
            base: None,
            asked: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The table below this one; empty if it is missing.
    pub(crate) fn table(&mut self, key: &'static str) -> Table<'d> {
        let mut entries = None;
        if let Some(item) = self.get(key) {
            entries = item.as_table_like();
            if entries.is_none() {
                self.fault(key, item, Fault::default(), "a table: `[name]`, then a line for each key");
            }
        }
        Table { name: self.dotted(key), entries, base: None, asked: Vec::new(), findings: Vec::new() }
    }

    /// This table. A key that is missing here has the value of this table of the top level.
    pub(crate) fn over(mut self, base: &'static str, top: &'d dyn TableLike) -> Self {
        self.base = top.get(base).and_then(Item::as_table_like).map(|entries| (base, entries));
        self
    }

    /// The tables in this one, each with its name and the place of the name. It has nothing else.
    pub(crate) fn named(self, findings: &mut Vec<Finding>) -> Vec<(String, usize, Table<'d>)> {
        let mut found = Vec::new();
        for (key, item) in self.entries.into_iter().flat_map(TableLike::iter) {
            let (name, at) = (self.dotted(key), self.place(key, item));
            match item.as_table_like() {
                Some(entries) => found.push((key.to_owned(), at, Table::of(&name, entries))),
                None => findings.push(Finding::error(
                    at,
                    format!(
                        "`{name}` is {}; expected a table for each program, such as `[run.api]`",
                        kind(item)
                    ),
                )),
            }
        }
        findings.extend(self.findings);
        found
    }

    /// Reports an error about each of these keys that is there.
    pub(crate) fn refuse_keys(&mut self, keys: &[&str], words: &str) {
        for key in keys {
            if let Some(item) = self.entries.and_then(|entries| entries.get(key)) {
                let (at, key) = (self.place(key, item), self.dotted(key));
                self.findings.push(Finding::error(at, format!("`{key}` {words}")));
            }
        }
    }

    /// The place of a key; 0 if it is missing.
    pub(crate) fn place_of(&self, key: &str) -> usize {
        let item = self.entries.and_then(|entries| entries.get(key));
        item.map_or(0, |item| self.place(key, item))
    }

    /// The tables of a list, such as `[[build.rules]]`.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        let name = self.dotted(key);
        let listed: Option<Vec<&'d dyn TableLike>> = match (item.as_array_of_tables(), item.as_array()) {
            (Some(tables), _) => Some(tables.iter().map(|table| table as &dyn TableLike).collect()),
            (None, Some(values)) => {
                let inline =
                    values.iter().map(|value| value.as_inline_table().map(|table| table as &dyn TableLike));
                inline.collect()
            }
            (None, None) => None,
        };
        if listed.is_none() {
            self.fault(key, item, Fault::default(), "a list of tables: `[[name]]`, then a line for each key");
        }
        listed.unwrap_or_default().into_iter().map(|entries| Table::of(&name, entries)).collect()
    }

    /// True if the table is in the file.
    pub(crate) fn is_there(&self) -> bool {
        self.entries.is_some()
    }

    /// True if the table has no keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_none_or(TableLike::is_empty)
    }

    /// Reports an error about the table as a whole.
    pub(crate) fn refuse(&mut self, words: &str) {
        let first = self.entries.and_then(|entries| entries.iter().next());
        let at = first.map_or(0, |(key, item)| self.place(key, item));
        self.findings.push(Finding::error(at, format!("`{}` {words}", self.name)));
    }

    /// The value of a key; `None` if it is missing or wrong.
    pub(crate) fn take<T: Read>(&mut self, key: &'static str) -> Option<T> {
        let item = self.get(key)?;
        match T::read(item) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault(key, item, fault, T::EXPECTED);
                None
            }
        }
    }

    /// The value of a key with two names. Both at once are an error.
    pub(crate) fn take_either<T: Read>(&mut self, key: &'static str, alias: &'static str) -> Option<T> {
        let value = self.take(key);
        let other = self.take(alias);
        if self.get(key).is_some()
            && let Some(item) = self.get(alias)
        {
            let at = self.place(alias, item);
            let (key, alias) = (self.dotted(key), self.dotted(alias));
            self.findings
                .push(Finding::error(at, format!("`{alias}` is another name of `{key}`; keep one of them")));
        }
        value.or(other)
    }

    /// The value of the table's only key.
    pub(crate) fn only<T: Read>(mut self, key: &'static str, findings: &mut Vec<Finding>) -> Option<T> {
        let value = self.take(key);
        self.finish(findings);
        value
    }

    /// Appends the findings, and a warning for each unknown key.
    pub(crate) fn finish(mut self, findings: &mut Vec<Finding>) {
        if let Some(entries) = self.entries {
            let others = entries.iter().filter(|(key, _)| !self.asked.contains(key));
            for (key, item) in others {
                let dotted = self.dotted(key);
                if !air::is_needless(&dotted) {
                    let finding = Finding::warning(self.place(key, item), air::unknown(&dotted));
                    self.findings.push(finding);
                }
            }
        }
        findings.append(&mut self.findings);
    }

    fn get(&mut self, key: &'static str) -> Option<&'d Item> {
        self.asked.push(key);
        let own = self.entries.and_then(|entries| entries.get(key));
        own.or_else(|| self.base.and_then(|(_, entries)| entries.get(key)))
    }

    fn fault(&mut self, key: &str, item: &Item, fault: Fault, expected: &str) {
        let at = fault.at.or(item.span().map(|span| span.start)).unwrap_or_else(|| self.place(key, item));
        let wrong = fault.words.unwrap_or_else(|| format!("is {}", kind(item)));
        self.findings
            .push(Finding::error(at, format!("`{}` {wrong}; expected {expected}", self.dotted(key))));
    }

    fn place(&self, key: &str, item: &Item) -> usize {
        let span = self.entries.and_then(|entries| entries.key(key)).and_then(toml_edit::Key::span);
        span.or(item.span()).map_or(0, |span| span.start)
    }

    fn dotted(&self, key: &str) -> String {
        let is_own = self.entries.is_some_and(|entries| entries.contains_key(key));
        if let Some((base, _)) = self.base.filter(|(_, entries)| !is_own && entries.contains_key(key)) {
            return format!("{base}.{key}");
        }
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}
