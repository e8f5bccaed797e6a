//! What a run has left in the places where somebody would look for it: the customers' phones, the payment gateway's
//! books, and the queues.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::DemoError;
use deployed::Connection;
use payment_simulator::LedgerSummary;

/// Time between two looks at a queue.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Text messages by phone number, as the emulator keeps them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Texts {
    #[serde(rename = "sms_messages")]
    by_number: HashMap<String, Vec<Text>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Text {
    #[serde(rename = "Message")]
    message: String,
}

impl Texts {
    /// Every text message of the environment.
    ///
    /// # Errors
    ///
    /// [`DemoError::Call`] when the emulator does not answer.
    pub async fn read(http: &reqwest::Client, connection: &Connection) -> Result<Self, DemoError> {
        let url = format!("{}/_ministack/sns/sms-messages?region={}", connection.endpoint, connection.region);
        get(http, &url).await
    }

    /// Every message, by its number.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_number
            .iter()
            .flat_map(|(number, texts)| texts.iter().map(move |text| (number.as_str(), text.message.as_str())))
    }

    /// How many messages to a number name an order.
    #[must_use]
    pub fn about(&self, number: &str, order_id: &str) -> usize {
        let messages = self.by_number.get(number).map(Vec::as_slice).unwrap_or_default();
        messages.iter().filter(|text| text.message.contains(order_id)).count()
    }
}

/// E-mails by account, as the emulator keeps them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Mails {
    #[serde(rename = "messages")]
    by_account: HashMap<String, Vec<Mail>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Mail {
    #[serde(rename = "To")]
    to: Vec<String>,
    #[serde(rename = "BodyText")]
    text: String,
}

impl Mails {
    /// Every e-mail of the environment.
    ///
    /// # Errors
    ///
    /// [`DemoError::Call`] when the emulator does not answer.
    pub async fn read(http: &reqwest::Client, connection: &Connection) -> Result<Self, DemoError> {
        get(http, &format!("{}/_ministack/ses/messages", connection.endpoint)).await
    }

    /// Every e-mail's text, by its address.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let mails = self.by_account.values().flatten();
        mails.flat_map(|mail| mail.to.iter().map(move |to| (to.as_str(), mail.text.as_str())))
    }

    /// How many e-mails to an address name an order.
    #[must_use]
    pub fn about(&self, address: &str, order_id: &str) -> usize {
        let mails = self.by_account.values().flatten();
        mails.filter(|mail| mail.to.iter().any(|to| to == address) && mail.text.contains(order_id)).count()
    }
}

/// The payment gateway's books.
///
/// # Errors
///
/// [`DemoError::Call`] when the simulator does not answer.
pub async fn ledger(http: &reqwest::Client, gateway_url: &str) -> Result<LedgerSummary, DemoError> {
    get(http, &format!("{gateway_url}/_simulator/ledger")).await
}

async fn get<T: DeserializeOwned>(http: &reqwest::Client, url: &str) -> Result<T, DemoError> {
    let failed = |error: reqwest::Error| DemoError::call(format!("GET {url}"), error);
    http.get(url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?
        .json()
        .await
        .map_err(failed)
}

/// Waits until no queue but the dead-letter queues holds a message; what is left, by queue, if it is not nothing.
///
/// Only then was a duplicate processed, so only then can the demonstration say that it changed nothing.
///
/// # Errors
///
/// [`DemoError::Call`] when a queue cannot be asked.
pub async fn drained(
    sqs: &Client,
    connection: &Connection,
    patience: Duration,
) -> Result<BTreeMap<String, u64>, DemoError> {
    let deadline = Instant::now() + patience;
    loop {
        let lengths = lengths(sqs, connection, |name| !is_dead_letter_queue(name)).await?;
        if lengths.is_empty() || Instant::now() >= deadline {
            return Ok(lengths);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// How many messages every dead-letter queue that is not empty holds.
///
/// # Errors
///
/// [`DemoError::Call`] when a queue cannot be asked.
pub async fn dead_letters(sqs: &Client, connection: &Connection) -> Result<BTreeMap<String, u64>, DemoError> {
    lengths(sqs, connection, is_dead_letter_queue).await
}

fn is_dead_letter_queue(name: &str) -> bool {
    name.ends_with("-dlq")
}

async fn lengths(
    sqs: &Client,
    connection: &Connection,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, u64>, DemoError> {
    let asked = connection.queues.iter().filter(|(name, _)| wanted(name)).map(|(name, url)| async move {
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await
            .map_err(|error| DemoError::call(format!("asking queue {name} for its length"), error))?;
        let counts = attributes.attributes.unwrap_or_default();
        let length: u64 = counts.values().filter_map(|count| count.parse::<u64>().ok()).sum();
        Ok::<_, DemoError>((name.clone(), length))
    });
    Ok(try_join_all(asked).await?.into_iter().filter(|(_, length)| *length > 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_for_the_order_that_it_names() {
        let texts: Texts = serde_json::from_str(
            r#"{"sms_messages": {"+447700900001": [
                {"PhoneNumber": "+447700900001", "Message": "Shop: order ord-1 is confirmed. Total 1.00 GBP."},
                {"PhoneNumber": "+447700900001", "Message": "Shop: order ord-3 is out of stock."}
            ]}, "region": "eu-west-2"}"#,
        )
        .unwrap();
        assert_eq!(texts.about("+447700900001", "ord-1"), 1);
        assert_eq!(texts.about("+447700900001", "ord-2"), 0);
        assert_eq!(texts.about("+447700900002", "ord-1"), 0);
        let mails: Mails = serde_json::from_str(
            r#"{"messages": {"000000000000": [{"MessageId": "1", "To": ["a@example.com"], "BodyText": "Order ord-1"}]}}"#,
        )
        .unwrap();
        assert_eq!((mails.about("a@example.com", "ord-1"), mails.about("b@example.com", "ord-1")), (1, 0));
    }
}
