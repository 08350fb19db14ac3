//! The look of hotrun's lines, as the settings want it.

use anstream::ColorChoice;
use anstyle::AnsiColor;

use crate::cli::Cli;
use crate::report::{Clear, Style, Volume};
use crate::settings::{Color, Colors, Log, Screen, When};

pub(super) fn style(log: &Log, screen: &Screen, colors: &Colors, cli: &Cli) -> Style {
    let style = Style::default();
    let color = |set: Option<Color>, usual: Option<AnsiColor>| set.map_or(usual, |Color(color)| color);
    Style {
        time: log.time.unwrap_or(style.time),
        volume: match (cli.debug, log.silent, log.main_only) {
            (true, _, _) => Volume::Debug,
            (_, Some(true), _) => Volume::Silent,
            (_, _, Some(true)) => Volume::MainOnly,
            _ => Volume::Usual,
        },
        only_hotrun: cli.only_hotrun || log.only_hotrun == Some(true),
        clear: (screen.clear_on_rebuild == Some(true))
            .then(|| if screen.keep_scroll == Some(false) { Clear::Everything } else { Clear::Screen }),
        mode: cli.color_choice().unwrap_or(match colors.mode {
            Some(When::Always) => ColorChoice::Always,
            Some(When::Never) => ColorChoice::Never,
            Some(When::Auto) | None => ColorChoice::Auto,
        }),
        json: cli.json,
        main: color(colors.main, style.main),
        watcher: color(colors.watcher, style.watcher),
        build: color(colors.build, style.build),
        runner: color(colors.runner, style.runner),
    }
}
