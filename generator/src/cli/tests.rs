//! The commands on a repository of their own: what they write, remove, leave alone, and say.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{CommandFactory, Parser};
use tempfile::TempDir;

use super::generate::{Generated, MARKER};
use super::outcome::{OK, Outcome, STALE, USER_ERROR};
use super::tree::Files;
use super::{Arguments, run, settings_file, write};
use crate::sample_settings::{self, KEPT_LOCALLY};

/// A small environment, whose alarms nobody hears and whose state stays in its folder.
fn dev() -> String {
    sample_settings::with(&[("alarm_email = \"on-call@example.com\"\n", ""), KEPT_LOCALLY])
}

/// A repository with one environment, `dev`.
fn repository() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "envs/dev/env.toml", &dev());
    root
}

fn put(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn command(root: &Path, words: &[&str]) -> Outcome {
    let root = root.to_str().unwrap();
    run(&Arguments::try_parse_from(["generator", "--root", root].iter().chain(words)).unwrap())
}

/// Runs a command that must succeed, and gives its output.
#[track_caller]
fn succeed(root: &Path, words: &[&str]) -> String {
    let outcome = command(root, words);
    assert_eq!(outcome.exit_code, OK, "{}{}", outcome.output, outcome.messages);
    outcome.output
}

/// Runs a command that must be refused, and gives its message.
#[track_caller]
fn refused(root: &Path, words: &[&str]) -> String {
    let outcome = command(root, words);
    assert_eq!((outcome.exit_code, outcome.output.as_str()), (USER_ERROR, ""), "{}", outcome.messages);
    assert!(outcome.messages.starts_with("error: ") && outcome.messages.contains("\nnext: "), "{}", outcome.messages);
    outcome.messages
}

/// Every file under modules/, envs/ and docs/, with its content.
fn snapshot(root: &Path) -> Files {
    fn collect(root: &Path, folder: &Path, files: &mut Files) {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = folder.join(entry.unwrap().file_name());
            match root.join(&path).is_dir() {
                true => collect(root, &path, files),
                false => drop(files.insert(path.clone(), fs::read_to_string(root.join(&path)).unwrap())),
            }
        }
    }
    let mut files = Files::new();
    collect(root, Path::new("modules"), &mut files);
    collect(root, Path::new("envs"), &mut files);
    collect(root, Path::new("docs"), &mut files);
    files
}

/// A made-up set of generated files.
fn generated(files: &[(&str, &str)]) -> Generated {
    let files = files.iter().map(|(path, content)| (PathBuf::from(path), format!("{MARKER}\n{content}\n"))).collect();
    Generated { files, modules: 1, environments: 1 }
}

#[test]
fn the_command_line_is_well_formed_and_its_help_teaches() {
    Arguments::command().debug_assert();
    let help = Arguments::command().render_long_help().to_string();
    for taught in ["cargo run -- check", "cargo run -- env add staging --from dev", "Exit codes: 0"] {
        assert!(help.contains(taught), "{help}");
    }
}

#[test]
fn a_run_makes_the_check_pass_and_a_second_run_writes_nothing() {
    let root = repository();
    assert_eq!(command(root.path(), &["check"]).exit_code, STALE);
    succeed(root.path(), &[]);
    assert!(succeed(root.path(), &["check"]).contains("as they should be"));

    let first = snapshot(root.path());
    let second = succeed(root.path(), &[]);
    assert!(second.starts_with("0 written, 0 removed, "), "{second}");
    assert_eq!(snapshot(root.path()), first);
}

#[test]
fn a_check_writes_nothing() {
    let root = repository();
    let before = snapshot(root.path());
    command(root.path(), &["check"]);
    assert_eq!(snapshot(root.path()), before);
    assert!(!root.path().join("target").exists());
}

#[test]
fn a_check_shows_what_is_stale_missing_and_left_over_and_how_to_fix_it() {
    let root = repository();
    succeed(root.path(), &[]);
    let stale = root.path().join("envs/dev/main.tf.json");
    let content = fs::read_to_string(&stale).unwrap();
    fs::write(&stale, content.replacen('{', "{ \"by_hand\": 1,", 1)).unwrap();
    fs::remove_file(root.path().join("envs/dev/README.md")).unwrap();
    put(root.path(), "modules/gone/main.tf.json", &format!("{{\"//\": \"{MARKER}\"}}\n"));

    let outcome = command(root.path(), &["check"]);
    assert_eq!(outcome.exit_code, STALE);
    for part in [
        "--- a/envs/dev/main.tf.json\n+++ b/envs/dev/main.tf.json\n@@ ",
        "-{ \"by_hand\": 1,",
        "--- /dev/null\n+++ b/envs/dev/README.md\n",
        "--- a/modules/gone/main.tf.json\n+++ /dev/null\n",
    ] {
        assert!(outcome.output.contains(part), "no {part:?} in:\n{}", outcome.output);
    }
    assert!(outcome.messages.starts_with("1 stale, 1 missing, 1 left over, "), "{}", outcome.messages);
    assert!(outcome.messages.ends_with("next: cargo run\n"), "{}", outcome.messages);

    let json: serde_json::Value = serde_json::from_str(&command(root.path(), &["check", "--json"]).output).unwrap();
    assert_eq!(json["stale"], serde_json::json!(["envs/dev/main.tf.json"]));
    assert_eq!(json["fix"], "cargo run");

    succeed(root.path(), &[]);
    succeed(root.path(), &["check"]);
    assert!(!root.path().join("modules/gone").exists());
}

#[test]
fn a_run_tells_a_script_what_it_did() {
    let root = repository();
    let output = succeed(root.path(), &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert!(json["written"].as_array().unwrap().contains(&"envs/dev/main.tf.json".into()), "{output}");
    assert_eq!((&json["environments"], &json["unchanged"]), (&1.into(), &0.into()));
}

#[test]
fn one_bad_environment_keeps_every_file_as_it_is() {
    let root = repository();
    put(root.path(), "envs/prod/env.toml", &dev().replace("eu-west-2", "us-east-1"));
    let before = snapshot(root.path());
    let message = refused(root.path(), &[]);
    assert!(message.contains("envs/prod/env.toml:1: `suffix` is \"dev\""), "{message}");
    assert!(message.contains("envs/prod/env.toml:2: `region` is \"us-east-1\""), "{message}");
    assert!(message.contains("nothing was written"), "{message}");
    refused(root.path(), &["check"]);
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn only_generated_files_are_removed() {
    let root = repository();
    let by_hand = [
        ("modules/queues/notes.md", "Generated by nobody"),
        ("modules/queues/extra.tf.json", "{}\n"),
        ("envs/dev/override.tf", "# Generated by `cargo run`; do not edit\n"),
        ("envs/dev/.terraform/modules/README.md", MARKER),
        ("envs/dev/terraform.tfstate", MARKER),
    ];
    for (path, content) in by_hand {
        put(root.path(), path, content);
    }
    write::apply(root.path(), &generated(&[("modules/queues/a.tf.json", "1")]), Instant::now()).unwrap();
    let done = write::apply(root.path(), &generated(&[("modules/queues/b.tf.json", "1")]), Instant::now()).unwrap();
    assert_eq!(done.removed, [PathBuf::from("modules/queues/a.tf.json")]);
    for (path, content) in by_hand {
        assert_eq!(fs::read_to_string(root.path().join(path)).unwrap(), content, "{path}");
    }
}

#[test]
fn only_changed_files_are_written() {
    let root = repository();
    write::apply(root.path(), &generated(&[("envs/a/x.tf.json", "1"), ("envs/a/y.tf.json", "1")]), Instant::now())
        .unwrap();
    let kept = fs::metadata(root.path().join("envs/a/x.tf.json")).unwrap().modified().unwrap();
    let changed = generated(&[("envs/a/x.tf.json", "1"), ("envs/a/y.tf.json", "2")]);
    let done = write::apply(root.path(), &changed, Instant::now()).unwrap();
    assert_eq!((done.written, done.unchanged), (vec![PathBuf::from("envs/a/y.tf.json")], 1));
    assert_eq!(fs::metadata(root.path().join("envs/a/x.tf.json")).unwrap().modified().unwrap(), kept);
}

#[test]
fn what_a_killed_run_left_behind_is_cleared_and_its_target_is_whole() {
    let root = repository();
    let files = generated(&[("envs/a/x.tf.json", "new")]);
    // A run that was killed between the first byte and the rename.
    put(root.path(), "envs/a/x.tf.json", "old and whole");
    put(root.path(), "envs/a/x.tf.json.generator-unfinished", "{\"hal");
    put(root.path(), "modules/gone/y.tf.json.generator-unfinished", "");
    write::apply(root.path(), &files, Instant::now()).unwrap();
    assert_eq!(fs::read_to_string(root.path().join("envs/a/x.tf.json")).unwrap(), format!("{MARKER}\nnew\n"));
    assert!(!root.path().join("envs/a/x.tf.json.generator-unfinished").exists());
    assert!(!root.path().join("modules/gone").exists());
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let root = repository();
    let path = root.path().join("envs/a/x.tf.json");
    let contents = ["a".repeat(200_000), "b".repeat(100_000)];
    write::replace(&path, &contents[0]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..200 {
                write::replace(&path, &contents[turn % 2]).unwrap();
            }
        });
        while !writer.is_finished() {
            let seen = fs::read_to_string(&path).unwrap();
            assert!(contents.contains(&seen), "{} bytes", seen.len());
        }
    });
}

#[test]
fn runs_at_the_same_time_end_with_every_file_whole() {
    let root = repository();
    std::thread::scope(|scope| {
        for suffix in ["one", "two", "three"] {
            let root = root.path();
            scope.spawn(move || {
                succeed(root, &["env", "add", suffix]);
                succeed(root, &[]);
            });
        }
    });
    succeed(root.path(), &["check"]);
    assert!(succeed(root.path(), &["env", "list"]).lines().count() == 5);
}

#[test]
fn an_added_environment_passes_the_check_and_teaches() {
    let root = repository();
    let output = succeed(root.path(), &["env", "add", "staging"]);
    assert!(output.starts_with("envs/staging/env.toml made\n"), "{output}");
    succeed(root.path(), &["check"]);
    let settings = fs::read_to_string(root.path().join("envs/staging/env.toml")).unwrap();
    let comments = settings.lines().filter(|line| line.starts_with("# ")).count();
    assert!(settings.contains("\nsuffix = \"staging\"\n") && comments > 15, "{settings}");
    assert!(root.path().join("envs/staging/main.tf.json").is_file());
}

#[test]
fn an_environment_made_from_another_has_its_settings_and_a_state_of_its_own() {
    let root = repository();
    let hostile = r#"Fish & \"Chips\" ${x} %{if} \\ – 商店"#;
    let source = dev()
        .replace("Example Retail", hostile)
        .replace("rate_limit = 200", "rate_limit = 777")
        .replace("xray = true", "xray = true\nalarm_email = \"${x}@example.com\"")
        .replace("type = \"local\"", "type = \"s3\"\nbucket = \"some-bucket\"\nkey = \"shop/dev.tfstate\"");
    put(root.path(), "envs/dev/env.toml", &source);
    succeed(root.path(), &["env", "add", "qa", "--from", "dev"]);
    succeed(root.path(), &["check"]);
    let settings = fs::read_to_string(root.path().join("envs/qa/env.toml")).unwrap();
    for line in [
        format!("retailer_name = \"{hostile}\""),
        "rate_limit = 777".to_owned(),
        "alarm_email = \"${x}@example.com\"".to_owned(),
        "key = \"shop/qa.tfstate\"".to_owned(),
        "manage_account_logging_role = false".to_owned(),
    ] {
        assert!(settings.lines().any(|found| found == line), "no line {line}\nin {settings}");
    }
}

#[test]
fn an_environment_made_from_one_that_sets_the_accounts_sms_limit_leaves_it_to_that_one() {
    let root = repository();
    put(root.path(), "envs/dev/env.toml", &dev().replace("sms = false", "sms = true\nmanage_account_sms_limit = true"));
    succeed(root.path(), &["env", "add", "qa", "--from", "dev"]);
    let settings = fs::read_to_string(root.path().join("envs/qa/env.toml")).unwrap();
    assert!(settings.contains("\nmanage_account_sms_limit = false\n"), "{settings}");
}

#[test]
fn an_environment_with_little_concurrency_has_smaller_bounds_and_one_with_enough_the_modules_own() {
    let bounds_with = |line: &str| {
        let root = repository();
        put(root.path(), "envs/dev/env.toml", &dev().replace("xray = true", &format!("xray = true\n{line}")));
        succeed(root.path(), &[]);
        let main = fs::read_to_string(root.path().join("envs/dev/main.tf.json")).unwrap();
        let main: serde_json::Value = serde_json::from_str(&main).unwrap();
        main["module"]["functions"]["maximum_concurrency"].clone()
    };
    assert!(bounds_with("").is_null());
    assert!(bounds_with("account_concurrency = 1000").is_null());
    let bounds = bounds_with("account_concurrency = 40");
    let bounds: Vec<u64> = bounds.as_object().unwrap().values().map(|bound| bound.as_u64().unwrap()).collect();
    assert!(
        bounds.len() == 6 && bounds.iter().sum::<u64>() < 40 && bounds.iter().all(|bound| *bound >= 2),
        "{bounds:?}"
    );
}

#[test]
fn hostile_settings_reach_terraform_as_text() {
    let root = repository();
    let name = r#""A" ${file("/x")} %{if true} \ – 商店"#;
    let toml_name = serde_json::to_string(name).unwrap();
    put(root.path(), "envs/dev/env.toml", &dev().replace("\"Example Retail\"", &toml_name));
    succeed(root.path(), &[]);
    let files = snapshot(root.path());
    let terraform = files.iter().filter(|(path, _)| path.to_string_lossy().ends_with(".tf.json"));
    let mut found = Vec::new();
    for (path, content) in terraform {
        strings(
            &serde_json::from_str(content).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            &mut found,
        );
    }
    // In Terraform's JSON, `$${` and `%%{` are the text `${` and `%{`.
    let escaped = name.replace("${", "$${").replace("%{", "%%{");
    assert!(found.contains(&escaped), "no {escaped}");
    let evaluated = found.iter().find(|text| text.replace("$${", "").replace("%%{", "").contains("{file("));
    assert_eq!(evaluated, None);
}

/// Every string in a JSON document.
fn strings(json: &serde_json::Value, found: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

#[test]
fn a_bad_or_taken_suffix_is_refused_and_nothing_is_written() {
    let root = repository();
    let before = snapshot(root.path());
    for (suffix, why) in [
        ("Dev", "it does not start with a lower-case letter"),
        ("a/b", "it contains '/'"),
        ("../x", "it does not start with"),
        ("much-too-long", "it is 13 characters long"),
        ("dev", "`dev` is there already, in envs/dev/env.toml"),
    ] {
        let message = refused(root.path(), &["env", "add", suffix]);
        assert!(message.contains(why), "{message}");
    }
    let message = refused(root.path(), &["env", "add", "qa", "--from", "prod"]);
    assert!(
        message.contains("there is none called `prod`") && message.contains("next: choose one of dev"),
        "{message}"
    );
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn an_environment_whose_settings_were_taken_away_loses_its_generated_files_only() {
    let root = repository();
    succeed(root.path(), &["env", "add", "qa"]);
    put(root.path(), "envs/qa/terraform.tfstate", "{}");
    fs::remove_file(root.path().join("envs/qa/env.toml")).unwrap();
    succeed(root.path(), &[]);
    let left: Vec<_> = snapshot(root.path()).into_keys().filter(|path| path.starts_with("envs/qa")).collect();
    assert_eq!(left, [PathBuf::from("envs/qa/terraform.tfstate")]);
}

#[test]
fn the_list_tells_environments_apart() {
    let root = repository();
    let table = succeed(root.path(), &["env", "list"]);
    assert!(
        table.lines().nth(1).unwrap().starts_with("dev          aws       eu-west-2  arm64         30 days"),
        "{table}"
    );
    let json: serde_json::Value = serde_json::from_str(&succeed(root.path(), &["env", "list", "--json"])).unwrap();
    assert_eq!(json["environments"][0]["settings"], "envs/dev/env.toml");
}

#[test]
fn the_usual_settings_are_accepted_as_they_are() {
    let suffix = "abcdefghijkl".parse().unwrap();
    let text = settings_file::text(&suffix, None).unwrap();
    let source = generator::environment::Source { folder: suffix.to_string(), text };
    assert!(generator::environment::parse(&source, &[]).is_ok(), "{}", source.text);
}

#[test]
fn a_file_that_cannot_be_written_is_named_with_the_cause() {
    let root = repository();
    // A folder stands where the file belongs.
    fs::create_dir_all(root.path().join("envs/dev/main.tf.json/x")).unwrap();
    let message = refused(root.path(), &[]);
    assert!(message.contains("envs/dev/main.tf.json cannot be read\n  because: "), "{message}");
}

#[test]
fn every_generated_file_carries_the_marker() {
    let root = repository();
    succeed(root.path(), &[]);
    for (path, content) in snapshot(root.path()) {
        let by_hand = path.ends_with("env.toml");
        assert_eq!(content.lines().take(2).any(|line| line.contains(MARKER)), !by_hand, "{}", path.display());
    }
}

#[test]
fn the_environments_of_this_repository_are_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let environments = generator::environment::load_all(root).unwrap_or_else(|error| panic!("{error}"));
    let suffixes: Vec<_> = environments.iter().map(|environment| environment.suffix.as_str()).collect();
    for suffix in ["dev", "local", "prod"] {
        assert!(suffixes.contains(&suffix), "{suffix} is not among {suffixes:?}");
    }
}
