//! How units are spread over stock items. Pure.

use super::ShardLevel;

/// Units that go from one stock item to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub from: u16,
    pub to: u16,
    pub units: u64,
}

/// Even shares of the units, the first ones greater by one where they do not divide evenly.
pub(super) fn shares(units: u64, shards: u16) -> impl Iterator<Item = (u16, u64)> {
    let shards = shards.max(1);
    let (each, over) = (units / u64::from(shards), units % u64::from(shards));
    (0..shards).map(move |shard| (shard, each + u64::from(u64::from(shard) < over)))
}

/// What has to be moved so that `shards` stock items hold all free units and none of them is without its share.
///
/// What is spread unevenly but has units everywhere stays as it is: orders draw from all of them.
pub(super) fn moves(stored: &[ShardLevel], shards: u16) -> Vec<Move> {
    let shards = shards.max(1);
    let free = |shard| stored.iter().find(|stored| stored.shard == shard).map_or(0, |stored| stored.level.free);
    let total = stored.iter().fold(0_u64, |total, stored| total.saturating_add(stored.level.free));
    let fair: Vec<(u16, u64)> = shares(total, shards).collect();
    let mut sinks: Vec<(u16, u64)> =
        fair.iter().copied().filter(|(shard, share)| *share > 0 && free(*shard) == 0).collect();
    let beyond = stored.iter().filter(|stored| stored.shard >= shards).map(|stored| (stored.shard, stored.level.free));
    let above = fair.iter().map(|(shard, share)| (*shard, free(*shard).saturating_sub(*share)));
    let mut moves = Vec::new();
    for (from, mut units) in beyond.chain(above).filter(|(_, units)| *units > 0) {
        while units > 0 {
            let Some(sink) = sinks.last_mut() else { break };
            let taken = units.min(sink.1);
            moves.push(Move { from, to: sink.0, units: taken });
            units -= taken;
            sink.1 -= taken;
            if sink.1 == 0 {
                sinks.pop();
            }
        }
        if units > 0 && from >= shards {
            moves.push(Move { from, to: from % shards, units });
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::super::super::catalogue::StockLevel;
    use super::*;

    fn stored(free: &[u64]) -> Vec<ShardLevel> {
        (0..)
            .zip(free)
            .map(|(shard, free)| ShardLevel { shard, level: StockLevel { free: *free, ..level() } })
            .collect()
    }

    const fn level() -> StockLevel {
        StockLevel { free: 0, reserved: 3, sold: 7 }
    }

    fn after(free: &[u64], shards: u16) -> Vec<u64> {
        let mut levels: Vec<i64> = free.iter().map(|free| i64::try_from(*free).unwrap()).collect();
        levels.resize(free.len().max(shards.into()), 0);
        for Move { from, to, units } in moves(&stored(free), shards) {
            let units = i64::try_from(units).unwrap();
            levels[usize::from(from)] -= units;
            levels[usize::from(to)] += units;
        }
        levels.into_iter().map(|level| u64::try_from(level).unwrap()).collect()
    }

    #[test]
    fn units_are_shared_evenly() {
        assert_eq!(shares(10, 4).collect::<Vec<_>>(), [(0, 3), (1, 3), (2, 2), (3, 2)]);
        assert_eq!(shares(1, 2).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
        assert_eq!(shares(5, 0).collect::<Vec<_>>(), [(0, 5)]);
    }

    #[test]
    fn new_shards_are_filled_from_the_others() {
        assert_eq!(after(&[100], 4), [25, 25, 25, 25]);
        assert_eq!(after(&[10, 0], 2), [5, 5]);
    }

    #[test]
    fn shards_beyond_the_number_are_emptied() {
        assert_eq!(after(&[5, 5, 5, 5], 2), [10, 10, 0, 0]);
        assert_eq!(after(&[0, 0, 9], 1), [9, 0, 0]);
    }

    #[test]
    fn what_has_units_everywhere_stays_as_it_is() {
        assert_eq!(moves(&stored(&[90, 1, 4]), 3), []);
        assert_eq!(moves(&stored(&[0, 0]), 2), []);
        assert_eq!(moves(&[], 4), []);
    }

    #[test]
    fn no_unit_is_made_or_lost_whatever_the_shards_hold() {
        for seed in 0..5_000_u64 {
            // A cheap sequence of numbers is random enough for this.
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = |below: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % below
            };
            let count = usize::try_from(next(8)).unwrap();
            let free: Vec<u64> = (0..count).map(|_| if next(3) == 0 { 0 } else { next(50) }).collect();
            let shards = u16::try_from(1 + next(8)).unwrap();
            let after = after(&free, shards);
            assert_eq!(after.iter().sum::<u64>(), free.iter().sum::<u64>(), "{free:?} over {shards}");
            assert!(after[usize::from(shards)..].iter().all(|left| *left == 0), "{free:?} over {shards}: {after:?}");
        }
    }
}
