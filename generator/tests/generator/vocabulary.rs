//! One vocabulary: `docs/glossary.md` says which words are retired, and no other file uses them.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::support::{repository, tracked};

/// Folders that still use retired words. The list may only shrink.
const NOT_YET: &[&str] = &[];

/// Where a retired word may stand: the glossary, and this file, which has the patterns.
const EXCEPTED: [&str; 2] = ["docs/glossary.md", "generator/tests/generator/vocabulary.rs"];

const ENDINGS: [&str; 7] = ["rs", "md", "toml", "tera", "txt", "html", "py"];

/// A pattern of retired words, in lower case with spaces for underscores, and what to write instead.
const RETIRED: [(&str, &str); 20] = [
    (r"\banew\b", "again, retried, re-authorised"),
    (r"\bmend(s|ed|ing)?\b", "fix"),
    (r"\b(brought|brings?|bringing) ((it|them|an|its|no|the) )?(orders? )?on\b", "recover, re-queue"),
    (
        r"\b(gives?|given|gave|giving) ((it|them|a|the|its|an) )?(messages? |letters? |holds? )?up\b",
        "move to the dead-letter queue, cancel, stop retrying",
    ),
    (r"\b(puts?|putting) (\w+ ){0,3}aside\b", "quarantine"),
    (r"\bbur(y|ied|ies|ying)\b", "move to the dead-letter queue"),
    (r"\b((tells?|told|telling) of|told (once|twice|again))\b", "notify, publish, report"),
    (
        r"\b((dead|the|this|each|every|these|those|its|no|two|stream|lost|such) letters?|letters? (is|are|of|was|were|lies|lie|that|comes|came))\b",
        "(dead-lettered) message",
    ),
    (r"\blaps(e|es|ed|ing)\b", "expire"),
    (
        r"\b(gives?|given|gave|giving) (\w+ ){0,3}back\b",
        "return (message), refund (money), void (authorisation), release (stock)",
    ),
    (r"\blooked at\b", "checked"),
    (r"\bis no [a-z]+", "is not a …"),
    (
        r"\b(a|the|its|this|another|first|second|new|old|surplus|foreign|each|every) hold\b|\b(surplus|its|foreign|two|card) holds\b",
        "authorisation",
    ),
    (r"\bheal(s|ed|ing)?\b", "recover"),
    (r"\bworked on\b", "processed"),
    (r"\bthe way of an order\b", "order flow"),
    (r"\bwhere it is not given\b", "default"),
    (r"\bheld against\b", "compared with"),
    (r"\bsurroundings\b", "context, location"),
    (r"\bthe payment of (an|the|this|each) order\b", "the payment for the order"),
];

/// What a pattern would find and is plain English all the same.
const PLAIN: [&str; 4] = ["there is no ", "is no longer", "is no more than", "is no matter"];

fn normalised(line: &str) -> String {
    // As a part of a name, and of "dead-letter queue", it is the field's word.
    let line = line.to_lowercase().replace("dead_letter", "deadletter").replace("dead-letter", "deadletter");
    let line = line.replace(['_', '-'], " ");
    PLAIN.iter().fold(line, |line, plain| line.replace(plain, "… "))
}

#[test]
fn no_retired_word_of_the_vocabulary_is_used_outside_the_glossary() {
    let patterns = RETIRED.map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead));
    let is_read = |path: &&std::path::PathBuf| {
        path.extension().is_some_and(|it| ENDINGS.iter().any(|ending| it == *ending))
            && !EXCEPTED.iter().any(|it| path.as_path() == Path::new(it))
            && !NOT_YET.iter().any(|folder| path.starts_with(folder))
    };
    let mut found = Vec::new();
    // The name of a test: it is checked in the file that defines it.
    let test_name = Regex::new("`[a-z0-9]+(_[a-z0-9]+){3,}`").unwrap();
    for path in tracked().iter().filter(is_read) {
        let text = fs::read_to_string(repository().join(path)).unwrap();
        for (number, line) in text.lines().enumerate() {
            let line = normalised(&test_name.replace_all(line, "`…`"));
            for (pattern, instead) in &patterns {
                if let Some(word) = pattern.find(&line) {
                    found.push(format!("{}:{}: `{}`: write {instead}", path.display(), number + 1, word.as_str()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} retired words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_glossarys_retired_words_are_those_of_the_vocabulary_check() {
    let page = fs::read_to_string(repository().join("docs/glossary.md")).unwrap();
    let (terms, retired) = page.split_once("## Retired words").unwrap();
    let rows = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).skip(1);
        rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| ").to_owned()).collect()
    };
    for (pattern, instead) in RETIRED {
        let pattern = Regex::new(pattern).unwrap();
        assert!(
            rows(retired).iter().any(|row| pattern.is_match(&normalised(row))),
            "{instead}: {pattern:?} is not in the glossary"
        );
        assert!(!pattern.is_match(&normalised(terms)), "the glossary itself uses {pattern:?}");
    }
    for row in rows(retired) {
        let is_found = RETIRED.iter().any(|(pattern, _)| Regex::new(pattern).unwrap().is_match(&normalised(&row)));
        assert!(is_found, "{row:?} is retired, and nothing checks it");
    }
    let terms = rows(terms);
    assert!(terms.is_sorted_by_key(|term| term.to_lowercase()), "the terms are not in alphabetical order: {terms:?}");
}
