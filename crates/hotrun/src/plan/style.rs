//! The look of hotrun's lines, as the settings want it.

use anstream::ColorChoice;
use anstyle::AnsiColor;

use crate::report::Style;
use crate::settings::{Color, Colors, When};

pub(super) fn style(time: Option<bool>, colors: &Colors) -> Style {
    let style = Style::default();
    let color = |set: Option<Color>, usual: Option<AnsiColor>| set.map_or(usual, |Color(color)| color);
    Style {
        time: time.unwrap_or(style.time),
        mode: match colors.mode {
            Some(When::Always) => ColorChoice::Always,
            Some(When::Never) => ColorChoice::Never,
            Some(When::Auto) | None => ColorChoice::Auto,
        },
        main: color(colors.main, style.main),
        watcher: color(colors.watcher, style.watcher),
        build: color(colors.build, style.build),
        runner: color(colors.runner, style.runner),
    }
}
