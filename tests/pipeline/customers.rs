//! When every test is over: nothing went to a customer twice. No answer was lost here and nothing died, so nothing can have been
//! sent again.

use std::collections::BTreeMap;
use std::time::Instant;

use ops::emulator::Request;
use serde_json::Value;

use crate::shop::Shop;
use crate::wait::{DEADLINE, PAUSE};

/// What is wrong with what was sent, if anything; where every test was run, something was.
pub async fn nobody_was_sent_anything_twice(shop: &Shop, all: bool) -> Result<(), String> {
    // Once the last message asking for it is dealt with.
    let started = Instant::now();
    loop {
        let waiting = shop.lengths(&["contact-queue"]).await;
        if waiting.is_empty() {
            break;
        }
        if started.elapsed() >= DEADLINE {
            return Err(format!("not sent in {DEADLINE:?}: {waiting:?}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for (service, path) in [("sns", "/_ministack/sns/sms-messages"), ("ses", "/_ministack/ses/messages")] {
        let messages: Value = serde_json::from_str(&shop.aws(service, Request::Get(path)).await).unwrap();
        let before = sent.values().sum::<usize>();
        count(&messages, "", &mut sent);
        if all && sent.values().sum::<usize>() == before {
            return Err(format!("nothing was sent by {service}, which tells nothing"));
        }
    }
    println!("{} texts and mails were sent", sent.values().sum::<usize>());
    // Each names its order and says what happened, so that no two of an addressee's are the same.
    let twice: Vec<_> = sent.into_iter().filter(|(_, times)| *times > 1).collect();
    if twice.is_empty() { Ok(()) } else { Err(format!("sent more than once: {twice:?}")) }
}

/// Counts the messages in the emulator's answer, each by whom it went to (a text's number is the name of its list) and by what
/// it says.
fn count(value: &Value, name: &str, sent: &mut BTreeMap<String, usize>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| count(value, name, sent)),
        Value::Object(fields) => {
            let says = ["Message", "BodyText"].into_iter().find_map(|field| fields.get(field));
            match says {
                Some(says) => {
                    let to = fields.get("To").map_or_else(|| name.to_owned(), Value::to_string);
                    let subject = fields.get("Subject").unwrap_or(&Value::Null);
                    *sent.entry(format!("{to} {subject} {says}")).or_default() += 1;
                }
                None => fields.iter().for_each(|(name, value)| count(value, name, sent)),
            }
        }
        _ => {}
    }
}
