//! Sends messages to their source queue, and deletes the sent messages.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};

use order_contract::api::around::WEBHOOK_SIGNATURE_ATTRIBUTE;
use order_handlers::adapters::sqs::ACCEPTED_AT_ATTRIBUTE;

use super::{DeadLetter, DeadLetterError};

/// Maximum body bytes per call. SQS allows 1 MiB per call, attributes included.
const BYTES: usize = 768 * 1024;
/// SQS allows 10 attributes; up to three are added here.
const OWN_ATTRIBUTES: usize = 7;

/// Messages in groups of `at_once` at most, none too large for one call.
pub(super) fn chunks(messages: &[DeadLetter], at_once: usize) -> Vec<&[DeadLetter]> {
    let mut chunks = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(at_once).take_while(|message| {
            bytes += message.content.body.len();
            bytes <= BYTES
        });
        let (chunk, others) = rest.split_at(fit.count().max(1));
        chunks.push(chunk);
        rest = others;
    }
    chunks
}

/// Sends messages. For each message: its id in the source queue, or why it was refused.
pub(super) async fn send(
    client: &Client,
    url: &str,
    name: &str,
    messages: &[DeadLetter],
    redrive: &str,
) -> Result<Vec<Result<String, String>>, DeadLetterError> {
    let failed = |source| DeadLetterError::Queue { action: "send a message to", queue: name.to_owned(), source };
    let entries: Result<Vec<_>, BuildError> =
        messages.iter().enumerate().map(|(position, message)| entry(position, message, redrive)).collect();
    let entries = entries.map_err(|error| failed(error.into()))?;
    let sent = client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
    let sent = sent.map_err(|error| failed(error.into()))?;
    Ok((0..messages.len())
        .map(|position| {
            let position = position.to_string();
            match sent.successful().iter().find(|entry| entry.id() == position) {
                Some(entry) => Ok(entry.message_id().to_owned()),
                None => {
                    let code = sent.failed().iter().find(|entry| entry.id() == position).map(|entry| entry.code());
                    Err(format!("{name} refused a message ({})", code.unwrap_or("no answer")))
                }
            }
        })
        .collect())
}

/// The message to send: its body, its own attributes, its trace and its origin. The old reason and error are left out, so
/// that they are not mistaken for new ones.
fn entry(position: usize, message: &DeadLetter, redrive: &str) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let own = message.content.attributes.iter().take(OWN_ATTRIBUTES);
    let mut attributes: HashMap<String, MessageAttributeValue> =
        own.map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut added = vec![("sourceMessageId", message.message_id.clone()), ("redriveId", redrive.to_owned())];
    if attributes.contains_key(WEBHOOK_SIGNATURE_ATTRIBUTE) && !attributes.contains_key(ACCEPTED_AT_ATTRIBUTE) {
        // SQS moved it here unchanged. Its signature is valid for the time of acceptance, not for now.
        added.push((ACCEPTED_AT_ATTRIBUTE, message.sent_at.unix_milliseconds().to_string()));
    }
    for (name, text) in added {
        let value = MessageAttributeValue::builder().data_type("String").string_value(text).build()?;
        attributes.insert(name.to_owned(), value);
    }
    let entry = SendMessageBatchRequestEntry::builder()
        .id(position.to_string())
        .message_body(&message.content.body)
        .set_message_attributes(Some(attributes));
    let entry = match message.trace.as_deref().and_then(trace) {
        None => entry,
        Some(header) => entry.message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            MessageSystemAttributeValue::builder().data_type("String").string_value(header).build()?,
        ),
    };
    entry.build()
}

/// Removes the lineage from a trace header: Lambda counts hops there and would take an old trace for a recursion (docs.aws.amazon.com/lambda, invocation-recursion).
fn trace(header: &str) -> Option<String> {
    let known = |part: &&str| ["Root=1-", "Parent=", "Sampled="].iter().any(|start| part.starts_with(start));
    let plain = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'=');
    let kept: Vec<&str> = header.split(';').map(str::trim).filter(known).filter(plain).collect();
    kept.first().is_some_and(|first| first.starts_with("Root=")).then(|| kept.join(";"))
}

/// Deletes messages, and returns how many could not be deleted.
pub(super) async fn delete(client: &Client, url: &str, name: &str, handles: &[String]) -> u64 {
    if handles.is_empty() {
        return 0;
    }
    let entries: Result<Vec<_>, BuildError> = handles
        .iter()
        .enumerate()
        .map(|(position, handle)| {
            DeleteMessageBatchRequestEntry::builder().id(position.to_string()).receipt_handle(handle).build()
        })
        .collect();
    let all = u64::try_from(handles.len()).unwrap_or(u64::MAX);
    let Ok(entries) = entries else { return all };
    match client.delete_message_batch().queue_url(url).set_entries(Some(entries)).send().await {
        Ok(deleted) => u64::try_from(deleted.failed().len()).unwrap_or(all),
        Err(error) => {
            tracing::warn!(queue = name, error = %error, "sent messages could not be deleted");
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::message;
    use super::*;

    #[test]
    fn a_message_is_sent_without_its_reason_and_with_its_trace_and_origin() {
        let attributes = [
            ("reason", "STOCK_INCONSISTENT"),
            ("error", "it is not reserved"),
            ("sourceMessageId", "m-0"),
            ("traceHeader", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:9"),
            ("own", "x"),
        ];
        let entry = entry(0, &DeadLetter::read(message("{}", &attributes)), "redrive-1").unwrap();
        let sent = entry.message_attributes().unwrap();
        let mut names: Vec<_> = sent.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["own", "redriveId", "sourceMessageId"]);
        assert_eq!(sent["sourceMessageId"].string_value(), Some("m-1"));
        let trace = &entry.message_system_attributes().unwrap()[&MessageSystemAttributeNameForSends::AwsTraceHeader];
        let expected = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        assert_eq!(trace.string_value(), Some(expected));
    }

    #[test]
    fn a_webhook_keeps_its_signature_and_its_time_of_acceptance() {
        let accepted = |attributes: &[(&str, &str)]| {
            let entry = entry(0, &DeadLetter::read(message("{}", attributes)), "redrive-1").unwrap();
            let sent = entry.message_attributes().unwrap().clone();
            ["signature", "acceptedAt"]
                .map(|name| sent.get(name).and_then(|value| value.string_value().map(str::to_owned)))
        };
        // Its stage dead-lettered it, and recorded when it was accepted.
        let dead_lettered =
            [("reason", "ITEM_UNREADABLE"), ("signature", "t=1,v1=ab"), ("acceptedAt", "1763900000000")];
        assert_eq!(accepted(&dead_lettered), [Some("t=1,v1=ab".to_owned()), Some("1763900000000".to_owned())]);
        // SQS moved it here: it was accepted when it was sent to its queue.
        let moved = [("signature", "t=1,v1=ab")];
        assert_eq!(accepted(&moved), [Some("t=1,v1=ab".to_owned()), Some("1764000000000".to_owned())]);
        assert_eq!(accepted(&[("reason", "ORDER_UNKNOWN")]), [None, None]);
    }

    #[test]
    fn an_invalid_trace_header_is_not_sent() {
        for header in ["", "Sampled=1", "nonsense", "Root=1-\u{1b}"] {
            assert_eq!(trace(header), None, "{header:?}");
        }
    }

    #[test]
    fn one_call_sends_as_many_messages_as_fit() {
        let large = "x".repeat(BYTES / 2);
        let messages: Vec<DeadLetter> = [large.as_str(), &large, &large, "y", "y"]
            .iter()
            .map(|body| DeadLetter::read(message(body, &[])))
            .collect();
        let sizes = |at_once| chunks(&messages, at_once).iter().map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert_eq!(sizes(10), [2, 3]);
        assert_eq!(sizes(1), [1; 5]);
        let huge = [DeadLetter::read(message(&"x".repeat(BYTES + 1), &[]))];
        assert_eq!(chunks(&huge, 10).len(), 1);
    }
}
