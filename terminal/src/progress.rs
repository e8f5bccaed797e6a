//! Progress of long steps: a bar on a terminal, plain lines in a log, nothing in a test. It goes to standard error;
//! standard output is for results.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Seconds between two progress lines of a step in a log.
const LINE_EVERY: u64 = 15;

/// Where progress goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bars,
    Lines,
    Silent,
}

impl Progress {
    /// Bars if standard error is a terminal, else plain lines.
    #[must_use]
    pub fn detect() -> Self {
        Self { kind: if std::io::stderr().is_terminal() { Kind::Bars } else { Kind::Lines } }
    }

    /// No output.
    #[must_use]
    pub const fn silent() -> Self {
        Self { kind: Kind::Silent }
    }

    /// Prints one line.
    pub fn note(self, line: &str) {
        if self.kind != Kind::Silent {
            eprintln!("{line}");
        }
    }

    /// Starts a step of unknown length. Its name is like "Installing the emulator".
    #[must_use]
    pub fn step(self, name: impl Into<String>) -> Step {
        self.begin(name.into(), None)
    }

    /// Starts a step of `total` items.
    #[must_use]
    pub fn counted(self, name: impl Into<String>, total: u64) -> Step {
        self.begin(name.into(), Some(total))
    }

    fn begin(self, name: String, total: Option<u64>) -> Step {
        let bar = match self.kind {
            Kind::Bars => ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()),
            Kind::Lines | Kind::Silent => ProgressBar::hidden(),
        };
        if self.kind == Kind::Lines {
            eprintln!("{name} ...");
        }
        bar.set_style(style(total.is_some()));
        bar.set_prefix(name.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        Step { progress: self, name, bar, started: Instant::now(), last_line: AtomicU64::new(0) }
    }
}

fn style(counted: bool) -> ProgressStyle {
    let template = if counted {
        "{spinner} {prefix} {wide_bar} {pos}/{len} {msg} [{elapsed}]"
    } else {
        "{spinner} {prefix} {msg} [{elapsed}]"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A running step. Dropping it clears its bar.
#[derive(Debug)]
pub struct Step {
    progress: Progress,
    name: String,
    bar: ProgressBar,
    started: Instant,
    /// Seconds from the start to the last printed line.
    last_line: AtomicU64,
}

impl Step {
    /// Sets the number of items, once it is known.
    pub fn total(&self, total: u64) {
        self.bar.set_style(style(true));
        self.bar.set_length(total);
    }

    /// Sets how many items are done.
    pub fn done(&self, items: u64) {
        self.bar.set_position(items);
        let now = self.started.elapsed().as_secs();
        if self.progress.kind == Kind::Lines && now >= self.last_line.load(Ordering::Relaxed) + LINE_EVERY {
            self.last_line.store(now, Ordering::Relaxed);
            let total = self.bar.length().map_or_else(String::new, |total| format!(" of {total}"));
            eprintln!("{}: {items}{total} after {now} s", self.name);
        }
    }

    /// Shows what the step does now.
    pub fn detail(&self, detail: impl Into<String>) {
        self.bar.set_message(detail.into());
    }

    /// Ends the step and prints a short result, e.g. "49 resources".
    pub fn finish(self, result: &str) {
        self.bar.finish_and_clear();
        let took = self.started.elapsed().as_secs_f64();
        self.progress.note(&format!("{}: {result} ({took:.1} s)", self.name));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}
