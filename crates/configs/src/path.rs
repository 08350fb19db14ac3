//! The path of a value in a configuration.

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// A path; the default one is that of the whole document. One more step is cheap: it refers to the steps above.
#[derive(Clone, Copy, Default)]
pub(crate) struct Path<'a>(Option<Step<'a>>);

#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) above: &'a Path<'a>,
    pub(crate) segment: Segment<'a>,
    /// True if the type declares this step and all above it. The others are keys and indexes from the files.
    is_declared: bool,
}

impl<'a> Path<'a> {
    /// The path of a field of the type.
    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        let is_declared = self.last().is_none_or(|step| step.is_declared);
        self.step(Segment::Key(name), is_declared)
    }

    /// The path of a key or an index from the files.
    pub(crate) fn below(&'a self, segment: Segment<'a>) -> Path<'a> {
        self.step(segment, false)
    }

    /// The last step; `None` for the whole document.
    pub(crate) fn last(&self) -> Option<&Step<'a>> {
        self.0.as_ref()
    }

    /// The whole path, with dots.
    pub(crate) fn dotted(&self) -> String {
        let mut dotted = String::new();
        self.write_to(&mut dotted);
        dotted
    }

    /// Adds the whole path, with dots, to an empty text.
    pub(crate) fn write_to(&self, out: &mut String) {
        let Some(step) = self.last() else { return };
        step.above.write_to(out);
        if step.above.last().is_some() {
            out.push('.');
        }
        match step.segment {
            Segment::Key(key) => out.push_str(key),
            Segment::Index(index) => out.push_str(&index.to_string()),
        }
    }

    /// The part that the type declares, with dots.
    pub(crate) fn declared(&self) -> String {
        match self.last() {
            Some(step) if !step.is_declared => step.above.declared(),
            _ => self.dotted(),
        }
    }

    fn step(&'a self, segment: Segment<'a>, is_declared: bool) -> Path<'a> {
        Path(Some(Step { above: self, segment, is_declared }))
    }
}

/// The dotted path of a key in the map at `path`.
pub(crate) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
