//! The path of a value in a configuration.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}

/// A path, and how many of its first segments the type declares. The others are keys and indexes from the files.
#[derive(Clone, Default)]
pub(crate) struct Path {
    segments: Vec<Segment>,
    declared: usize,
}

impl Path {
    /// Adds the name of a field of the type.
    pub(crate) fn push_field(&mut self, field: &str) {
        if self.declared == self.segments.len() {
            self.declared += 1;
        }
        self.segments.push(Segment::Key(field.to_owned()));
    }

    /// Adds a key or an index from the files.
    pub(crate) fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The whole path, with dots.
    pub(crate) fn dotted(&self) -> String {
        dotted(&self.segments)
    }

    /// The part that the type declares, with dots.
    pub(crate) fn declared(&self) -> String {
        dotted(&self.segments[..self.declared])
    }
}

/// The dotted path of a key in the map at `path`.
pub(crate) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn dotted(segments: &[Segment]) -> String {
    let segments = segments.iter().map(|segment| match segment {
        Segment::Key(key) => key.clone(),
        Segment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join(".")
}
