//! The progress of a sweep: a bar where stderr is a terminal, a line for each tenth of the work elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::console::Console;
use super::super::signals::Signals;
use crate::sweep::{self, Watch};

/// Lines where there is no bar.
const LINES: u64 = 10;

/// Shows the progress of a sweep, and stops it when a signal comes.
pub(super) struct Progress<'a> {
    console: &'a Console,
    signals: &'a Signals,
    bar: Option<ProgressBar>,
    /// The lines that were printed.
    lines: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console, signals: &'a Signals) -> Self {
        let bar = (!console.is_quiet() && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:16} {percent} %, {eta} left  {wide_msg}");
            let target = ProgressDrawTarget::stderr();
            ProgressBar::with_draw_target(Some(1), target)
                .with_style(style.expect("a template that indicatif reads"))
        });
        Self { console, signals, bar, lines: 0 }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        self.bar.inspect(ProgressBar::finish_and_clear);
    }
}

impl Watch for Progress<'_> {
    fn progress(&mut self, progress: &sweep::Progress) {
        let sweep::Progress { images, all, alive, ended, epoch, best } = progress;
        let best = best.map_or(String::new(), |(accuracy, loss)| {
            format!(", best so far {:.2} %, loss {loss:.3}", 100.0 * accuracy)
        });
        let text = || format!("{alive} runs alive, {ended} ended, epoch {epoch}{best}");
        if let Some(bar) = &self.bar {
            bar.set_length(*all);
            bar.set_position(*images);
            bar.set_message(text());
            return;
        }
        // The last line once all runs have ended.
        let lines = (images * LINES / (*all).max(1)).min(LINES - u64::from(*alive > 0));
        if lines > self.lines {
            self.lines = lines;
            // Progress that nobody can read any more is no reason to stop.
            let _ = self.console.remark(&format!("{:>3} %  {}\n", 100 * self.lines / LINES, text()));
        }
    }

    fn stop(&mut self) -> bool {
        self.signals.received().is_some()
    }
}
