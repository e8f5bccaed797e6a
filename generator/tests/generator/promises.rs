//! The README's promises: each names the tests that show it, and links to where they are.

use std::fs;

use super::support::repository;

/// A row of the README's tables of promises: the defect's number, where it has one, and its tests with their files.
struct Promise {
    defect: Option<String>,
    tests: Vec<(String, String)>,
}

fn promises() -> Vec<Promise> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## What it promises").expect("the README has a section of promises");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && line.contains("](")).map(str::to_owned);
    rows.map(|row| {
        let first = row.trim_start_matches("| ").split(" |").next().unwrap().to_owned();
        let links = row.split("[`").skip(1).map(|link| {
            let (name, rest) = link.split_once("`](").unwrap();
            (name.to_owned(), rest.split(')').next().unwrap().to_owned())
        });
        Promise { defect: Some(first).filter(|first| is_defect(first)), tests: links.collect() }
    })
    .collect()
}

fn is_defect(text: &str) -> bool {
    text.strip_prefix('P').is_some_and(|number| number.parse::<u8>().is_ok())
}

/// The comment and attributes above a function, if the file has it.
fn above(source: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = source.lines().collect();
    let at = lines.iter().position(|line| line.contains(&format!("fn {name}(")))?;
    let is_above = |line: &&&str| line.trim_start().starts_with("///") || line.trim_start().starts_with("#[");
    Some(lines[..at].iter().rev().take_while(is_above).copied().collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_promise_of_the_readme_links_to_tests_that_exist() {
    let promises = promises();
    assert!(promises.len() > 30, "{}", promises.len());
    for (name, path) in promises.iter().flat_map(|promise| &promise.tests) {
        let source = fs::read_to_string(repository().join(path)).unwrap_or_else(|_| panic!("{path} is not there"));
        assert!(above(&source, name).is_some(), "{path} has no test {name}: fix the README's table of promises");
    }
}

#[test]
fn every_defect_of_other_systems_has_tests_that_name_it() {
    let promises = promises();
    let defects: Vec<_> = promises.iter().filter_map(|promise| promise.defect.clone()).collect();
    assert_eq!(defects, (1..=13).map(|number| format!("P{number}")).collect::<Vec<_>>());
    for promise in promises.iter().filter(|promise| promise.defect.is_some()) {
        let mark = format!("/// {}: ", promise.defect.as_deref().unwrap());
        assert!(!promise.tests.is_empty(), "{mark}has no test");
        for (name, path) in &promise.tests {
            let source = fs::read_to_string(repository().join(path)).unwrap();
            let above = above(&source, name).unwrap_or_default();
            assert!(above.contains(&mark), "{name} in {path} does not say `{mark}…` above it");
        }
    }
}
