//! Settings that are numbers within limits.

use toml::de::DeValue;

use super::value::{self, Refusal, Refused, Setting};
use crate::pipeline::concurrency;

/// Days that a log group keeps its lines: one of the numbers that CloudWatch Logs accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogRetention(u16);

impl LogRetention {
    /// The numbers that `PutRetentionPolicy` accepts. "For ever" is left out: nobody would ever pay less for it.
    pub const DAYS: [u16; 22] =
        [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

    /// The retention in days.
    #[must_use]
    pub fn days(self) -> u16 {
        self.0
    }
}

impl Setting for LogRetention {
    fn allowed() -> String {
        format!("one of {}", Self::DAYS.map(|days| days.to_string()).join(", "))
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        let days = value::whole_number(value)?;
        match Self::DAYS.into_iter().find(|allowed| i64::from(*allowed) == days) {
            Some(days) => Ok(Self(days)),
            None => Err(Refused::because("CloudWatch Logs accepts certain numbers of days only").into()),
        }
    }
}

/// A throttle of the API: requests a second, or requests at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestLimit(u32);

impl RequestLimit {
    /// Ten times an account's first quota in eu-west-2: room for a raised one, none for a typing error.
    const LARGEST: u32 = 100_000;

    /// The payment gateway's calls a second, where a file says nothing. It reports about five events an order, so that
    /// this is enough for 20 orders a second, and it sends again what was refused.
    pub const WEBHOOK_RATE: Self = Self(100);
    /// The payment gateway's calls at once, where a file says nothing.
    pub const WEBHOOK_BURST: Self = Self(200);

    /// The limit in requests.
    #[must_use]
    pub fn requests(self) -> u32 {
        self.0
    }
}

impl Setting for RequestLimit {
    fn allowed() -> String {
        format!("a whole number from 1 to {}", Self::LARGEST)
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match u32::try_from(value::whole_number(value)?) {
            Ok(0) => Err(Refused::because("it would refuse every request").into()),
            Ok(requests @ 1..=Self::LARGEST) => Ok(Self(requests)),
            Ok(_) => Err(Refused::because(
                "it is far above what an account may have (10000 requests a second until AWS raises the quota)",
            )
            .into()),
            Err(_) => Err(Refused::because("the number is out of range").into()),
        }
    }
}

/// The Lambda concurrency that an environment may use: the account's quota in the region, less what others need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountConcurrency(u32);

impl AccountConcurrency {
    /// Far above what anybody is granted: none for a typing error.
    const LARGEST: u32 = 100_000;

    /// The concurrency in invocations.
    #[must_use]
    pub fn invocations(self) -> u32 {
        self.0
    }
}

impl Setting for AccountConcurrency {
    fn allowed() -> String {
        format!(
            "a whole number from {} to {}; AWS raises the quota `Concurrent executions` of Lambda on request (Service Quotas); \
             leave the line out for no check",
            concurrency::least(),
            Self::LARGEST
        )
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        let least = concurrency::least();
        match u32::try_from(value::whole_number(value)?) {
            Ok(invocations) if invocations < least => Err(Refused::because(format!(
                "the pipeline does not fit: it needs {least}, which is {} for each of its {} queues, {} for the stream's \
                 shards and {} for reads",
                concurrency::SMALLEST_BOUND,
                concurrency::bounds().len(),
                concurrency::of_streams(),
                concurrency::KEPT_FOR_READS
            ))
            .into()),
            Ok(invocations @ ..=Self::LARGEST) => Ok(Self(invocations)),
            Ok(_) | Err(_) => Err(Refused::because("the number is out of range").into()),
        }
    }
}

/// What an account may spend on SMS in a month, in whole US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpendLimit(u32);

impl SpendLimit {
    /// Where a file says nothing: about a thousand messages within the United Kingdom.
    pub const USUAL: Self = Self(50);

    /// Far more than a mistake should cost; AWS grants an account less unless it asks.
    const LARGEST: u32 = 10_000;

    /// The limit in US dollars.
    #[must_use]
    pub fn dollars(self) -> u32 {
        self.0
    }
}

impl Setting for SpendLimit {
    fn allowed() -> String {
        format!("whole US dollars from 1 to {}", Self::LARGEST)
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Refusal> {
        match u32::try_from(value::whole_number(value)?) {
            Ok(0) => Err(Refused::because("it would stop every SMS; `sms = false` says so more plainly").into()),
            Ok(dollars @ 1..=Self::LARGEST) => Ok(Self(dollars)),
            Ok(_) | Err(_) => Err(Refused::because("the number is out of range").into()),
        }
    }
}
