//! The story of a run, in order. It is kept only where the plan asks for it: the seed gives the same story at any time.

use std::fmt;

use serde::Serialize;

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in milliseconds of the run.
    pub at: u64,
    /// The numbers of the orders that it concerns; empty where it concerns all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<u32>,
    /// What.
    pub what: String,
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:>6}.{:03} s  ", self.at / 1000, self.at % 1000)?;
        match self.orders[..] {
            [order] => write!(formatter, "{:<8}", format!("ord-{order}"))?,
            _ => write!(formatter, "{:<8}", "")?,
        }
        formatter.write_str(&self.what)
    }
}

/// The story of a run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Story {
    /// The lines, oldest first.
    pub lines: Vec<Line>,
}

impl Story {
    /// A number that two stories share only when they are the same (FNV-1a over every line).
    #[must_use]
    pub fn hash(&self) -> u64 {
        let bytes = |line: &Line| {
            let mut bytes = line.at.to_le_bytes().to_vec();
            bytes.extend(line.orders.iter().flat_map(|order| order.to_le_bytes()));
            bytes.extend_from_slice(line.what.as_bytes());
            bytes
        };
        self.lines
            .iter()
            .flat_map(bytes)
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// The lines that concern one order.
    #[must_use]
    pub fn of(&self, order: u32) -> Self {
        let lines = self.lines.iter().filter(|line| line.orders.is_empty() || line.orders.contains(&order));
        Self { lines: lines.cloned().collect() }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(formatter, "{line}"))
    }
}
