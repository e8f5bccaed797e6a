//! From which items of the inventory table a line of an order takes its units.
//!
//! A hot SKU's stock is spread over shards, because one item takes about 500 transactional writes a second. An order takes
//! a line from one shard where one has enough, and from several where none has.

use serde::{Deserialize, Serialize};

/// Most items of one transaction (docs.aws.amazon.com/amazondynamodb, TransactWriteItems).
pub const ITEMS_PER_TRANSACTION: usize = 100;
/// Items that a change of an order writes beside its stock: the order and its event.
pub const ITEMS_BESIDE_STOCK: usize = 2;

/// Units of a SKU in one of its shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockPart {
    /// Which shard.
    pub shard: u16,
    /// How many units.
    pub quantity: u32,
}

/// Most shards that each line of an order may take units from, so that its reservation is still one transaction: beside
/// the order and its event, every line writes its reservation and one item a shard.
#[must_use]
pub const fn most_parts(lines: usize) -> usize {
    if lines == 0 {
        return 0;
    }
    (ITEMS_PER_TRANSACTION - ITEMS_BESIDE_STOCK - lines) / lines
}

/// Takes the units from as few shards as it can; the parts add up to the quantity. `None` when the shards together have
/// too little, or when it would take more than `most` of them.
///
/// `free` holds each shard with its free units.
#[must_use]
pub fn spread(quantity: u32, free: &[(u16, u32)], most: usize) -> Option<Vec<StockPart>> {
    // The tightest fit leaves the large shards to large lines.
    let tightest = free.iter().filter(|(_, units)| *units >= quantity).min_by_key(|(shard, units)| (*units, *shard));
    if let Some((shard, _)) = tightest {
        return Some(vec![StockPart { shard: *shard, quantity }]);
    }
    let mut largest_first = free.to_vec();
    largest_first.sort_unstable_by_key(|(shard, units)| (std::cmp::Reverse(*units), *shard));
    let mut missing = quantity;
    let mut parts = Vec::new();
    for (shard, units) in largest_first.into_iter().take(most) {
        let quantity = units.min(missing);
        if quantity > 0 {
            parts.push(StockPart { shard, quantity });
            missing -= quantity;
        }
    }
    (missing == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_of_any_size_fits_into_one_transaction() {
        for lines in 1..=crate::request::MAX_LINES {
            let items = ITEMS_BESIDE_STOCK + lines * (1 + most_parts(lines));
            assert!(most_parts(lines) >= 1 && items <= ITEMS_PER_TRANSACTION, "{lines} lines");
        }
    }

    #[test]
    fn a_line_that_no_shard_can_serve_alone_takes_from_several() {
        let parts = spread(3, &[(0, 2), (1, 0), (2, 2)], 9).unwrap();
        assert_eq!(parts, [StockPart { shard: 0, quantity: 2 }, StockPart { shard: 2, quantity: 1 }]);
        assert_eq!(spread(5, &[(0, 2), (1, 2)], 9), None);
        assert_eq!(spread(3, &[(0, 1), (1, 1), (2, 1)], 2), None);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_no_shard_gives_more_than_it_has(
            quantity in 1..2000_u32,
            units in prop::collection::vec(0..600_u32, 0..20),
            most in 0..30_usize,
        ) {
            let free: Vec<(u16, u32)> = (0..).zip(units).collect();
            match spread(quantity, &free, most) {
                Some(parts) => {
                    prop_assert_eq!(parts.iter().map(|part| part.quantity).sum::<u32>(), quantity);
                    for part in &parts {
                        let (_, units) = free.iter().find(|(shard, _)| *shard == part.shard).unwrap();
                        prop_assert!(part.quantity > 0 && part.quantity <= *units);
                    }
                    let mut shards: Vec<u16> = parts.iter().map(|part| part.shard).collect();
                    shards.dedup();
                    prop_assert_eq!(shards.len(), parts.len());
                }
                None => {
                    let most_units: u32 = {
                        let mut all: Vec<u32> = free.iter().map(|(_, units)| *units).collect();
                        all.sort_unstable_by(|a, b| b.cmp(a));
                        all.iter().take(most).sum()
                    };
                    prop_assert!(most_units < quantity);
                }
            }
        }
    }
}
