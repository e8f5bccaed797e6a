//! A cancellation switch: Ctrl-C turns it on, waiting code watches it.

use tokio::sync::watch;

/// A cancellation switch. Clones share its state. It never goes off again.
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

    /// A switch that SIGINT (Ctrl-C) or SIGTERM turns on. Call it inside a Tokio runtime.
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

    /// Turns the switch on.
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
        // `self` has a sender, so the channel stays open while this waits.
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
