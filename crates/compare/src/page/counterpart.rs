//! The servers in Go that do what the demos do.

/// A server in Go.
#[derive(Debug)]
pub(crate) struct Counterpart {
    /// The name of the framework.
    pub(crate) name: &'static str,
    /// The folder of its sources, and its program.
    pub(crate) program: &'static str,
    /// The paths of its sources below `crates/bench/peers/go`, and their texts at compile time.
    pub(crate) sources: &'static [(&'static str, &'static str)],
    /// The ways in which it differs from a demo.
    pub(crate) note: &'static str,
}

macro_rules! source {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../bench/peers/go/", $path)))
    };
}

/// The template of all four, with the values of the demos' template.
pub(crate) const TEMPLATE: &str = source!("templates/index.html").1;

const ON_VIPER: &str = "On viper and fsnotify, as viper's documentation shows it. An edit is not validated. An edited \
                        template or port needs a restart. The page does not follow by itself.";

pub(crate) const GIN: Counterpart = Counterpart {
    name: "gin",
    program: "gin",
    sources: &[source!("gin/main.go"), source!("settings/settings.go")],
    note: ON_VIPER,
};

pub(crate) const FIBER: Counterpart = Counterpart {
    name: "fiber",
    program: "fiber",
    sources: &[source!("fiber/main.go"), source!("settings/settings.go")],
    note: ON_VIPER,
};

pub(crate) const ECHO: Counterpart = Counterpart {
    name: "echo",
    program: "echo",
    sources: &[source!("echo/main.go"), source!("settings/settings.go")],
    note: ON_VIPER,
};

pub(crate) const GOFRAME: Counterpart = Counterpart {
    name: "GoFrame",
    program: "goframe",
    sources: &[source!("goframe/main.go")],
    note: "On its own gcfg and gview, which follow their files. An edit is not validated. An edited port needs a restart. \
           The page does not follow by itself, and values in it are not escaped.",
};
