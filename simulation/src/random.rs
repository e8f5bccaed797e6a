//! Randomness that is the same everywhere: on every machine, in every version of every library.

/// The numbers of a seed's streams.
pub(crate) mod stream {
    /// The world of a run: how long faults last, how many shards there are.
    pub(crate) const WORLD: u64 = 1;
    /// Interleavings.
    pub(crate) const SCHEDULE: u64 = 2;
    /// What a client does.
    pub(crate) const CLIENT: u64 = 3;
    /// What the warehouse and the carrier do.
    pub(crate) const WAREHOUSE: u64 = 4;
    /// Which kinds of fault a run has, and how often each strikes.
    pub(crate) const SWARM: u64 = 5;
    /// The first kind of fault; each has its own.
    pub(crate) const FAULTS: u64 = 100;
}

/// A stream of numbers that follows from a seed alone (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// One of many independent streams of a seed, so that a draw more in one moves nothing in another.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed ^ stream.wrapping_mul(0xa076_1d64_78bd_642f) };
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: unbiased enough for bounds far below 2^64.
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A position in a collection of that length.
    pub(crate) fn position(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True that many times in ten thousand.
    pub(crate) fn hits(&mut self, per_ten_thousand: u32) -> bool {
        self.below(10_000) < u64::from(per_ten_thousand)
    }

    /// True that many times in a hundred.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.hits(percent * 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_from_its_seed_and_never_changes() {
        // Written down once: a replay of an old seed must stay a replay.
        let mut random = Random::new(1, 0);
        assert_eq!([random.next(), random.next()], [13_757_245_211_066_428_519, 17_911_839_290_282_890_590]);
        assert_ne!(Random::new(1, 1).next(), Random::new(1, 2).next());
    }

    #[test]
    fn a_bound_is_never_reached() {
        let mut random = Random::new(7, 7);
        assert!((0..10_000).all(|_| random.below(3) < 3 && (2..=4).contains(&random.between(2, 4))));
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&random.unit())));
    }
}
