use std::fmt;

/// Why changes may be noticed late. They are still found, by the poll instead of by events; without a thread they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Degraded {
    /// The system started no thread to watch on: no change is noticed.
    NoThread,
    /// There is no platform watcher: `max_user_instances` or descriptors are used up, or it has failed.
    NoEvents,
    /// Some folders are not watched: `max_user_watches` is used up.
    WatchLimit,
    /// A folder that holds a file may not be watched by this process.
    Unwatchable,
    /// The files are on a file system without events for changes made elsewhere (NFS, SMB, FUSE, 9p).
    Remote,
    /// The poll found a change of which no event told.
    MissedEvents,
}

impl Degraded {
    /// All of them.
    pub const ALL: [Degraded; 6] = [
        Self::NoThread,
        Self::NoEvents,
        Self::WatchLimit,
        Self::Unwatchable,
        Self::Remote,
        Self::MissedEvents,
    ];

    /// A word for a metric's label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoThread => "no_thread",
            Self::NoEvents => "no_events",
            Self::WatchLimit => "watch_limit",
            Self::Unwatchable => "unwatchable",
            Self::Remote => "remote",
            Self::MissedEvents => "missed_events",
        }
    }
}

impl fmt::Display for Degraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoThread => {
                "changes are not noticed: the system would not start a thread; start again when there is room (raise `ulimit -u` or `TasksMax`?)"
            }
            Self::NoEvents => {
                "no file events: the system would not start a watcher; looking at the files instead (raise `fs.inotify.max_user_instances`?)"
            }
            Self::WatchLimit => {
                "not every folder is watched: the system's limit is reached; looking at the files as well (raise `fs.inotify.max_user_watches`)"
            }
            Self::Unwatchable => {
                "a folder may not be watched by this process; looking at the files as well (let it read the folder)"
            }
            Self::Remote => {
                "the files are on a file system that tells of no changes made elsewhere; looking at the files as well"
            }
            Self::MissedEvents => {
                "a change was found of which no event told; looking at the files more often until events are back"
            }
        })
    }
}
