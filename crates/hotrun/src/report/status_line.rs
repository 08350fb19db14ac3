//! The last line on a terminal.

use anstyle::Style as Look;

use crate::report::{Report, Volume};

impl Report {
    /// From now on there is a status line, if stderr is a terminal for it. All that is printed must go through this report.
    pub(crate) fn open_status_line(&self) {
        // With `--json` the events may go to the same terminal.
        if self.style.volume > Volume::Silent && !self.style.json {
            self.printer.open_screen();
        }
    }

    pub(crate) fn has_status_line(&self) -> bool {
        self.printer.has_screen()
    }

    /// Sets the words of the status line.
    pub(crate) fn status_line(&self, words: &str) {
        let look = Look::new().fg_color(self.style.main.map(Into::into));
        self.printer.status(Some(words), look);
    }

    /// The size of the terminal has changed.
    pub(crate) fn redraw_status_line(&self) {
        self.printer.redraw();
    }

    /// Erases the status line until something is printed.
    pub(crate) fn hide_status_line(&self) {
        self.printer.hide();
    }

    /// Erases the status line for good.
    pub(crate) fn close_status_line(&self) {
        self.printer.close_screen();
    }
}
