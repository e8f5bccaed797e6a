//! What can go wrong, and how often.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::random::{Random, stream};

/// Something that goes wrong in the world around the stages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::VariantArray, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// The invocation's process dies, before or after any effect. Its messages return to the queue later.
    Crash,
    /// An effect is applied, but its answer never arrives.
    LostAnswer,
    /// A call is refused without an effect: throttled, or the service is briefly unavailable.
    Throttle,
    /// A transaction is cancelled because another one is under way on the same items.
    Conflict,
    /// A message or a batch of the stream is delivered although it was delivered, or even deleted, before.
    Duplicate,
    /// A call, a message or a record takes seconds to minutes instead of milliseconds.
    Delay,
    /// A queue delivers in any order at all, not only slightly out of it.
    Reorder,
    /// A message, or a record of the stream, that no code can read, or that kills every process that receives it.
    Poison,
    /// The payment gateway is down for up to an hour; in few runs for longer than a reservation of stock lasts.
    Outage,
    /// An authorisation expires before its money is captured.
    EarlyExpiry,
    /// The clocks of two processes disagree by up to two seconds.
    Skew,
    /// The processing of one order panics.
    Panic,
    /// The gateway fails with a 500 and, as Stripe does, answers every repetition under that key with the same 500; whether
    /// the request had an effect, only a read shows.
    SavedFailure,
    /// Somebody sends webhooks that the gateway did not send.
    Forgery,
    /// An order, an event or a product cannot be read for a while: another version of the program wrote it.
    Unreadable,
    /// One of AWS's services, or one queue, takes no call for some minutes.
    AwsOutage,
    /// A batch is read in parts, at different moments: DynamoDB leaves keys unprocessed.
    PartialRead,
    /// A webhook never arrives.
    LostWebhook,
    /// A refund comes back from the bank, and the gateway says so.
    RefundReturned,
    /// The warehouse corrects the number of free units.
    Stocktaking,
    /// The clock of a process jumps by up to eight seconds, forwards or backwards, during an invocation.
    ClockJump,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// How often it strikes under heavy faults, in ten thousand of the moments where it can, before the run's own draw.
    const fn heavy_rate(self) -> u32 {
        match self {
            Self::Crash => 60,
            Self::LostAnswer => 150,
            Self::Throttle => 250,
            Self::Conflict => 300,
            Self::Duplicate => 300,
            Self::Delay => 100,
            Self::Poison => 15,
            // Of what is written; and of the reads of the catalogue.
            Self::Unreadable => 20,
            // Twice as many windows as there are in a half of the runs; see `World`.
            Self::Outage | Self::AwsOutage => 5_000,
            Self::PartialRead => 300,
            // Of the gateway's webhooks.
            Self::LostWebhook => 500,
            Self::RefundReturned => 300,
            // Of the minutes.
            Self::Stocktaking => 1_000,
            // Of the invocations.
            Self::ClockJump => 200,
            Self::EarlyExpiry => 1_000,
            Self::Panic => 60,
            Self::SavedFailure => 100,
            // Of the gateway's own webhooks, so many are followed by a forged one.
            Self::Forgery => 500,
            // On or off.
            Self::Reorder | Self::Skew => 10_000,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

const KINDS: usize = FaultKind::ALL.len();
/// How many of a hundred heavy runs have a kind of fault.
const PRESENT: u32 = 75;
/// How often a kind strikes in such a run, in percent of its heavy rate; one of these.
const RATES: [u32; 4] = [25, 50, 100, 200];

/// Which faults strike, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultProfile {
    name: Option<&'static str>,
    rates: [u32; KINDS],
    /// Each run draws from its seed which of these kinds it has, and how often each strikes.
    swarm: bool,
}

/// A list of faults that names one which does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault {given:?}; there are none, light, heavy, or a list of {known}")]
pub struct UnknownFault {
    given: String,
    known: String,
}

impl FaultProfile {
    /// Nothing goes wrong; messages still arrive at least once, slightly out of order, and writers still meet.
    #[must_use]
    pub const fn none() -> Self {
        Self { name: Some("none"), rates: [0; KINDS], swarm: false }
    }

    /// A bad day: a tenth of what heavy faults are.
    #[must_use]
    pub fn light() -> Self {
        let mut profile = Self { name: Some("light"), ..Self::only(FaultKind::ALL.iter().copied()) };
        for rate in &mut profile.rates {
            *rate = if *rate == 10_000 { *rate } else { rate.div_ceil(10) };
        }
        profile
    }

    /// The worst days. Each run has a subset of the kinds, each at a rate of its own: a fault that strikes all the time hides
    /// what another one alone shows.
    #[must_use]
    pub fn heavy() -> Self {
        Self { name: Some("heavy"), swarm: true, ..Self::only(FaultKind::ALL.iter().copied()) }
    }

    /// Only these kinds, all of them in every run, at the rates that heavy faults have before a run's own draw.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = FaultKind>) -> Self {
        let mut rates = [0; KINDS];
        for kind in kinds {
            rates[kind as usize] = kind.heavy_rate();
        }
        Self { name: None, rates, swarm: false }
    }

    /// The same without one kind.
    #[must_use]
    pub fn without(&self, kind: FaultKind) -> Self {
        let mut profile = Self { name: None, swarm: false, ..self.clone() };
        profile.rates[kind as usize] = 0;
        profile
    }

    /// The kinds that can strike.
    #[must_use]
    pub fn kinds(&self) -> Vec<FaultKind> {
        FaultKind::ALL.iter().copied().filter(|kind| self.rates[*kind as usize] > 0).collect()
    }

    const fn rate(&self, kind: FaultKind) -> u32 {
        self.rates[kind as usize]
    }

    /// The faults that a run of that seed has.
    fn drawn(self, seed: u64) -> Self {
        if !self.swarm {
            return self;
        }
        let mut random = Random::new(seed, stream::SWARM);
        let rates = self.rates.map(|rate| {
            let (present, percent) = (random.percent(PRESENT), RATES[random.position(RATES.len())]);
            match rate {
                _ if !present => 0,
                10_000 => rate,
                _ => (rate * percent).div_ceil(100).min(9_999),
            }
        });
        Self { rates, ..self }
    }
}

/// As the command line takes it.
impl fmt::Display for FaultProfile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.kinds()) {
            (Some(name), _) => formatter.write_str(name),
            (None, kinds) if kinds.is_empty() => formatter.write_str("none"),
            (None, kinds) => formatter.write_str(&kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",")),
        }
    }
}

impl FromStr for FaultProfile {
    type Err = UnknownFault;
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        match text {
            "none" => Ok(Self::none()),
            "light" => Ok(Self::light()),
            "heavy" => Ok(Self::heavy()),
            list => {
                let kinds: Result<Vec<_>, _> = list.split(',').map(|name| kind_named(name.trim())).collect();
                kinds.map(Self::only)
            }
        }
    }
}

fn kind_named(name: &str) -> Result<FaultKind, UnknownFault> {
    FaultKind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| UnknownFault {
        given: name.to_owned(),
        known: FaultKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
    })
}

/// The faults of one run: each kind has a random stream of its own.
#[derive(Debug)]
pub(crate) struct Faults {
    profile: FaultProfile,
    streams: [Random; KINDS],
    /// How often each kind has struck.
    pub(crate) struck: [u64; KINDS],
    /// When faults stop, in milliseconds of the run.
    until: u64,
}

impl Faults {
    pub(crate) fn new(profile: FaultProfile, seed: u64, until: u64) -> Self {
        let streams = std::array::from_fn(|kind| Random::new(seed, stream::FAULTS + kind as u64));
        let profile = profile.drawn(seed);
        Self { profile, streams, struck: [0; KINDS], until }
    }

    /// The kinds of this run, with their rates in ten thousand.
    pub(crate) fn describe(&self) -> String {
        let kinds = self.profile.kinds();
        kinds.iter().map(|kind| format!("{kind} {}", self.profile.rate(*kind))).collect::<Vec<_>>().join(", ")
    }

    /// Whether this kind strikes now.
    pub(crate) fn strike(&mut self, kind: FaultKind, now: u64) -> bool {
        let rate = self.profile.rate(kind);
        let strikes = rate > 0 && now < self.until && self.streams[kind as usize].hits(rate);
        self.struck[kind as usize] += u64::from(strikes);
        strikes
    }

    /// Whether this kind is in force at all, now.
    pub(crate) fn in_force(&self, kind: FaultKind, now: u64) -> bool {
        self.profile.rate(kind) > 0 && now < self.until
    }

    /// The random stream for the details of a fault of this kind.
    pub(crate) fn random(&mut self, kind: FaultKind) -> &mut Random {
        &mut self.streams[kind as usize]
    }

    pub(crate) const fn until(&self) -> u64 {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_it_is_written() {
        for text in ["none", "light", "heavy", "crash,duplicate"] {
            assert_eq!(text.parse::<FaultProfile>().unwrap().to_string(), text);
        }
        let error = "crash,earthquake".parse::<FaultProfile>().unwrap_err().to_string();
        assert!(error.contains("earthquake") && error.contains("lost-answer"), "{error}");
    }

    #[test]
    fn runs_differ_in_which_faults_they_have() {
        let kinds = |seed| FaultProfile::heavy().drawn(seed).kinds();
        assert_eq!(kinds(1), kinds(1));
        assert!((2..10).any(|seed| kinds(seed) != kinds(1)));
        for kind in FaultKind::ALL {
            assert!((1..30).any(|seed| kinds(seed).contains(kind)), "{kind} never strikes");
        }
        assert_eq!(FaultProfile::light().drawn(1), FaultProfile::light());
    }

    #[test]
    fn kinds_stand_where_their_numbers_say() {
        assert!(FaultKind::ALL.iter().copied().enumerate().all(|(position, kind)| kind as usize == position));
    }
}
