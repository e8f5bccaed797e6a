//! One switch that stops everything: set by Ctrl-C, watched by whatever waits.

use tokio::sync::watch;

/// A cancellation switch. Clones share its state; once on, it stays on.
#[derive(Debug, Clone)]
pub struct Cancel {
    switch: watch::Sender<bool>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A switch that is off.
    #[must_use]
    pub fn new() -> Self {
        Self { switch: watch::Sender::new(false) }
    }

    /// A switch that goes on with Ctrl-C (SIGINT) or SIGTERM. Call it inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the signal handlers cannot be installed.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let cancel = Self::new();
        let switch = cancel.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                switch.cancel();
            }
        });
        Ok(cancel)
    }

    /// Switches on.
    pub fn cancel(&self) {
        self.switch.send_replace(true);
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.switch.borrow()
    }

    /// Waits until it is on.
    pub async fn cancelled(&self) {
        // `self` holds a sender, so that the channel cannot close while this waits.
        let _ = self.switch.subscribe().wait_for(|on| *on).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_switch_go_on() {
        let cancel = Cancel::new();
        let clone = cancel.clone();
        assert!(!clone.is_cancelled());
        cancel.cancel();
        clone.cancelled().await;
        assert!(clone.is_cancelled());
    }
}
