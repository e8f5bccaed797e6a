//! After every test: no customer got a message twice. No answer was lost here and nothing died, so nothing can have been
//! sent again.

use std::collections::BTreeMap;
use std::time::Instant;

use scenario::demo::{Mails, Texts};

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
    let texts = Texts::read(&shop.http, &shop.connection).await.unwrap();
    let mails = Mails::read(&shop.http, &shop.connection).await.unwrap();
    if all && (texts.all().next().is_none() || mails.all().next().is_none()) {
        return Err("no text or no mail was sent, which proves nothing".to_owned());
    }
    let mut sent: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for message in texts.all().chain(mails.all()) {
        *sent.entry(message).or_default() += 1;
    }
    println!("{} texts and mails were sent", sent.values().sum::<usize>());
    // Each names its order and says what happened, so that no two of an recipient's are the same.
    let twice: Vec<_> = sent.into_iter().filter(|(_, times)| *times > 1).collect();
    if twice.is_empty() { Ok(()) } else { Err(format!("sent more than once: {twice:?}")) }
}
