//! Progress that a person sees while something takes longer than a moment: a bar on a terminal, plain lines in a log,
//! nothing in a test. Always on standard error: standard output belongs to the result.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a long step says in a log how far it is, in seconds.
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
    /// Bars where standard error is a terminal, plain lines elsewhere.
    #[must_use]
    pub fn detect() -> Self {
        Self { kind: if std::io::stderr().is_terminal() { Kind::Bars } else { Kind::Lines } }
    }

    /// No output.
    #[must_use]
    pub const fn silent() -> Self {
        Self { kind: Kind::Silent }
    }

    /// Says one line.
    pub fn note(self, line: &str) {
        if self.kind != Kind::Silent {
            eprintln!("{line}");
        }
    }

    /// Begins a step of unknown length. Its name reads like "Installing the emulator".
    #[must_use]
    pub fn step(self, name: impl Into<String>) -> Step {
        self.begin(name.into(), None)
    }

    /// Begins a step of `total` pieces.
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
        Step { progress: self, name, bar, started: Instant::now(), told_at: AtomicU64::new(0) }
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

/// One step under way. Dropping it unfinished clears its bar.
#[derive(Debug)]
pub struct Step {
    progress: Progress,
    name: String,
    bar: ProgressBar,
    started: Instant,
    /// When a line was last written, in seconds after the start.
    told_at: AtomicU64,
}

impl Step {
    /// Sets how many pieces there are, once it is known.
    pub fn total(&self, total: u64) {
        self.bar.set_style(style(true));
        self.bar.set_length(total);
    }

    /// Sets how many pieces are done.
    pub fn done(&self, pieces: u64) {
        self.bar.set_position(pieces);
        let now = self.started.elapsed().as_secs();
        if self.progress.kind == Kind::Lines && now >= self.told_at.load(Ordering::Relaxed) + LINE_EVERY {
            self.told_at.store(now, Ordering::Relaxed);
            let total = self.bar.length().map_or_else(String::new, |total| format!(" of {total}"));
            eprintln!("{}: {pieces}{total} after {now} s", self.name);
        }
    }

    /// Says what is being done just now.
    pub fn detail(&self, detail: impl Into<String>) {
        self.bar.set_message(detail.into());
    }

    /// Ends the step with its result in a few words, e.g. "49 resources".
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
