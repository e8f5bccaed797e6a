//! Every kind of mistake in an `env.toml`, and the words that it gets.

use proptest::prelude::*;

use super::*;
use crate::sample_settings::{self, SETTINGS as GOOD};

fn source(text: &str) -> Source {
    Source { folder: "dev".to_owned(), text: text.to_owned() }
}

/// `GOOD` with one piece of text replaced.
#[track_caller]
fn with(from: &str, to: &str) -> String {
    sample_settings::with(&[(from, to)])
}

/// The report on a file, one problem a line.
#[track_caller]
fn report(text: &str) -> String {
    parse(&source(text), &[]).expect_err("the file should be refused").to_string()
}

#[test]
fn a_good_file_becomes_an_environment() {
    let environment = parse(&source(GOOD), &[]).unwrap();
    assert_eq!(environment.suffix.as_str(), "dev");
    assert_eq!(environment.region.as_str(), "eu-west-2");
    assert_eq!(environment.architecture, Architecture::Arm64);
    assert_eq!(environment.log_retention_days.days(), 30);
    assert_eq!(environment.alarm_email.as_ref().unwrap().as_str(), "on-call@example.com");
    assert_eq!((environment.api.rate_limit.requests(), environment.api.burst_limit.requests()), (200, 400));
    assert!(environment.xray && environment.api.manage_account_logging_role);
    assert!(!environment.emulator && !environment.notifications.sms);
    assert!(matches!(&environment.backend, Backend::S3 { bucket, .. } if bucket.as_str() == "example-terraform-state"));
}

#[test]
fn the_alarm_email_and_the_lock_are_optional() {
    assert_eq!(parse(&source(&with("alarm_email = \"on-call@example.com\"\n", "")), &[]).unwrap().alarm_email, None);
    let locked = with("type = \"s3\"", "type = \"s3\"\nuse_lockfile = true");
    assert_eq!(parse(&source(&locked), &[]), parse(&source(GOOD), &[]));
}

#[test]
fn a_bad_suffix_is_refused_with_its_file_and_key() {
    assert_eq!(
        report(&with("suffix = \"dev\"", "suffix = \"Dev\"")),
        "envs/dev/env.toml:1: `suffix` is \"Dev\": it does not start with a lower-case letter. Allowed: 1 to 12 \
         characters: a lower-case letter first, then lower-case letters, digits and hyphens, with no hyphen at the end"
    );
}

#[test]
fn a_suffix_that_is_not_its_folder_is_refused() {
    assert_eq!(
        report(&with("suffix = \"dev\"", "suffix = \"prod\"")),
        "envs/dev/env.toml:1: `suffix` is \"prod\": the file lies in the folder envs/dev, and the two must agree. \
         Allowed: \"dev\" here, or the name envs/prod for the folder"
    );
}

#[test]
fn another_region_is_refused_with_the_reason() {
    assert_eq!(
        report(&with("eu-west-2", "us-east-1")),
        "envs/dev/env.toml:2: `region` is \"us-east-1\": the pipeline runs in London only; its quotas, alarms and the \
         place of customers' data were chosen for that region. Allowed: \"eu-west-2\""
    );
}

#[test]
fn another_processor_is_refused_with_its_right_name() {
    assert_eq!(
        report(&with("arm64", "aarch64")),
        "envs/dev/env.toml:3: `architecture` is \"aarch64\": Lambda calls this processor arm64. Allowed: \"arm64\" or \
         \"x86_64\""
    );
}

#[test]
fn an_unknown_key_gets_the_likely_one() {
    assert_eq!(
        report(&with("rate_limit = 200", "rate_limt = 200")),
        "envs/dev/env.toml:10: `api.rate_limt` (set to 200) is not a setting. Did you mean `api.rate_limit`?"
    );
    assert_eq!(
        report(&with("log_retention_days", "log_retention")),
        "envs/dev/env.toml:6: `log_retention` (set to 30) is not a setting. Did you mean `log_retention_days`?"
    );
}

#[test]
fn a_key_in_the_wrong_table_gets_its_table() {
    assert_eq!(
        report(&with("sms = false", "").replacen("xray = true", "xray = true\nsms = false", 1)),
        "envs/dev/env.toml:6: `sms` (set to false) is not a setting. Did you mean `notifications.sms`?"
    );
}

#[test]
fn an_unknown_key_like_no_other_gets_the_whole_list() {
    let report = report(&with("xray = true", "xray = true\nwibble = [1, 2]"));
    assert!(report.starts_with("envs/dev/env.toml:6: `wibble` (set to an array of 2) is not a setting. "), "{report}");
    assert!(report.ends_with("notifications.support_contact, region, suffix, xray"), "{report}");
    // Its table alone makes a key like no other.
    let report = self::report(&with("sms = false", "sms = false\ncolour = 1"));
    assert!(report.contains("`notifications.colour` (set to 1) is not a setting. The settings are"), "{report}");
}

#[test]
fn an_unknown_table_is_refused_even_when_empty() {
    let report = report(&format!("{GOOD}\n[extras]\n"));
    assert!(report.starts_with("envs/dev/env.toml:24: `extras` (set to a table of 0) is not a setting."), "{report}");
}

#[test]
fn a_quoted_key_with_a_dot_is_not_the_dotted_one() {
    let report = report(&with("xray = true", "xray = true\n\"api.rate_limit\" = 5"));
    assert!(report.contains("`\"api.rate_limit\"` (set to 5) is not a setting."), "{report}");
}

#[test]
fn a_missing_key_is_named_with_what_it_may_be() {
    assert_eq!(
        report(&with("emulator = false\n", "")),
        "envs/dev/env.toml: `emulator` is missing. Allowed: true or false"
    );
}

#[test]
fn a_wrong_type_is_named_with_the_value() {
    assert_eq!(
        report(&with("xray = true", "xray = \"yes\"")),
        "envs/dev/env.toml:5: `xray` is \"yes\", which is a string. Allowed: true or false"
    );
    assert_eq!(
        report(&with("rate_limit = 200", "rate_limit = 200.5")),
        "envs/dev/env.toml:10: `api.rate_limit` is 200.5, which is a number with a fraction. Allowed: a whole number \
         from 1 to 100000"
    );
}

#[test]
fn a_value_for_a_table_and_a_table_for_a_value_are_wrong_types() {
    let flat = GOOD.replace(
        "[notifications]\nsms = false\nretailer_name = \"Example Retail\"\nsupport_contact = \"help@example.com\"\n",
        "",
    );
    assert_eq!(
        report(&format!("notifications = true\n{flat}")),
        "envs/dev/env.toml:1: `notifications` is true, which is a boolean. Allowed: a table: a line [notifications] \
         with its settings under it"
    );
    assert_eq!(
        report(&with("xray = true", "xray = { groups = true }")),
        "envs/dev/env.toml:5: `xray` is a table of 1. Allowed: true or false"
    );
}

#[test]
fn a_retention_that_cloudwatch_does_not_know_is_refused_with_those_it_does() {
    let report = report(&with("log_retention_days = 30", "log_retention_days = 31"));
    assert!(report.starts_with("envs/dev/env.toml:6: `log_retention_days` is 31: CloudWatch Logs accepts"), "{report}");
    assert!(report.contains("Allowed: one of 1, 3, 5, 7, 14, 30, 60,"), "{report}");
}

#[test]
fn throttles_beyond_their_limits_are_refused_with_the_reason() {
    for (value, why) in [
        ("0", "it would refuse every request"),
        ("-5", "the number is out of range"),
        ("100001", "it is far above what an account may have"),
        ("99999999999999999999", "the number is out of range"),
    ] {
        let report = report(&with("burst_limit = 400", &format!("burst_limit = {value}")));
        assert!(report.contains(&format!(":11: `api.burst_limit` is {value}: {why}")), "{report}");
    }
}

#[test]
fn what_customers_are_sent_is_off_and_cheap_where_a_file_says_nothing() {
    let notifications = parse(&source(GOOD), &[]).unwrap().notifications;
    assert!(!notifications.push && !notifications.manage_account_sms_limit);
    assert_eq!(notifications.email_from, None);
    assert_eq!(notifications.sms_calling_codes.to_string(), "+44");
    assert_eq!(notifications.sms_monthly_spend_limit.dollars(), 50);
}

#[test]
fn what_customers_are_sent_can_be_chosen() {
    let text = "sms = true\npush = true\nemail_from = \"orders@example.com\"\nsms_calling_codes = [\"+44\", \"+353\"]\n\
                manage_account_sms_limit = true\nsms_monthly_spend_limit_usd = 200";
    let notifications = parse(&source(&with("sms = false", text)), &[]).unwrap().notifications;
    assert!(notifications.push && notifications.manage_account_sms_limit);
    assert_eq!(notifications.email_from.unwrap().as_str(), "orders@example.com");
    assert_eq!(notifications.sms_calling_codes.to_string(), "+44,+353");
    assert_eq!(notifications.sms_monthly_spend_limit.dollars(), 200);
}

#[test]
fn settings_for_customers_that_cannot_be_meant_are_refused_with_the_reason() {
    for (line, why) in [
        ("sms_calling_codes = []", "`notifications.sms_calling_codes` is an array of 0: nobody could be sent any"),
        (
            "sms_calling_codes = [\"44\"]",
            "`notifications.sms_calling_codes` is an array of 1: \"44\" is not a calling code",
        ),
        ("sms_calling_codes = [\"+44,+1\"]", "\"+44,+1\" is not a calling code"),
        ("sms_calling_codes = \"+44\"", "`notifications.sms_calling_codes` is \"+44\", which is a string"),
        ("sms_monthly_spend_limit_usd = 0", "it would stop every SMS"),
        ("sms_monthly_spend_limit_usd = 10001", "the number is out of range"),
        ("email_from = \"orders\"", "`notifications.email_from` is \"orders\": it has no @"),
        ("push = 1", "`notifications.push` is 1, which is a whole number"),
    ] {
        let report = report(&with("sms = false", &format!("sms = false\n{line}")));
        assert!(report.contains(why) && report.lines().count() == 1, "{report}");
    }
}

#[test]
fn the_webhook_has_throttles_of_its_own() {
    let api = parse(&source(GOOD), &[]).unwrap().api;
    assert_eq!((api.webhook_rate_limit.requests(), api.webhook_burst_limit.requests()), (100, 200));
    let text = with("rate_limit = 200", "rate_limit = 200\nwebhook_rate_limit = 5\nwebhook_burst_limit = 0");
    assert!(report(&text).contains("`api.webhook_burst_limit` is 0: it would refuse every request"));
}

#[test]
fn the_emulator_has_no_limit_for_sms() {
    let text = sample_settings::with(&[
        ("emulator = false", "emulator = true"),
        ("xray = true", "xray = false"),
        ("sms = false", "sms = false\nmanage_account_sms_limit = true"),
        sample_settings::KEPT_LOCALLY,
    ]);
    assert!(
        report(&text).contains("`notifications.manage_account_sms_limit` is true: the emulator"),
        "{}",
        report(&text)
    );
}

#[test]
fn sms_need_a_word_on_who_sets_the_accounts_limit_for_them() {
    let with_sms = |lines: &str| with("sms = false", &format!("sms = true{lines}"));
    assert_eq!(
        report(&with_sms("")),
        "envs/dev/env.toml:15: `notifications.sms` is true: nothing says who sets the account's monthly limit for SMS, and \
         without one a mistake can cost any amount. Allowed: true with a line `manage_account_sms_limit = true` where this \
         environment sets the limit, or with `manage_account_sms_limit = false` where another environment of the same \
         account does"
    );
    for decided in ["true", "true\nsms_monthly_spend_limit_usd = 5", "false"] {
        let text = with_sms(&format!("\nmanage_account_sms_limit = {decided}"));
        assert!(parse(&source(&text), &[]).is_ok(), "{}", report(&text));
    }
    let unheard = report(&with_sms("\nmanage_account_sms_limit = false\nsms_monthly_spend_limit_usd = 5"));
    assert!(
        unheard.contains("env.toml:17: `notifications.sms_monthly_spend_limit_usd` is 5: it would have no"),
        "{unheard}"
    );
}

#[test]
fn sms_on_the_emulator_cost_nothing_and_need_no_limit() {
    let text = sample_settings::with(&[
        ("emulator = false", "emulator = true"),
        ("xray = true", "xray = false"),
        ("sms = false", "sms = true"),
        sample_settings::KEPT_LOCALLY,
    ]);
    assert!(parse(&source(&text), &[]).is_ok(), "{}", report(&text));
}

#[test]
fn a_concurrency_that_the_pipeline_does_not_fit_into_is_refused_with_what_it_needs() {
    let concurrency = |value: &str| with("xray = true", &format!("xray = true\naccount_concurrency = {value}"));
    assert_eq!(parse(&source(GOOD), &[]).unwrap().account_concurrency, None);
    let enough = parse(&source(&concurrency("40")), &[]).unwrap().account_concurrency.unwrap();
    assert_eq!(enough.invocations(), 40);
    let report = report(&concurrency("10"));
    assert!(
        report.starts_with("envs/dev/env.toml:6: `account_concurrency` is 10: the pipeline does not fit: it needs "),
        "{report}"
    );
    assert!(report.contains("2 for each of its 6 queues") && report.contains("Service Quotas"), "{report}");
    for wrong in ["0", "-1", "100001"] {
        assert!(parse(&source(&concurrency(wrong)), &[]).is_err(), "{wrong}");
    }
}

#[test]
fn an_address_that_cannot_be_delivered_to_is_refused() {
    assert_eq!(
        report(&with("on-call@example.com", "on-call")),
        "envs/dev/env.toml:7: `alarm_email` is \"on-call\": it has no @. Allowed: an e-mail address such as \
         \"on-call@example.com\"; leave the line out for none"
    );
}

#[test]
fn what_a_backend_lacks_or_does_not_have_is_refused() {
    assert!(report(&with("key = ", "# key = ")).starts_with("envs/dev/env.toml: `backend.key` is missing."));
    assert!(report(&with("example-terraform-state", "My_Bucket")).contains("S3 has no buckets of such a name"));
    assert!(report(&with("order-pipeline/dev", "/order-pipeline/dev")).contains("a slash at either end"));
    assert!(report(&with("\"s3\"", "\"gcs\"")).contains("`backend.type` is \"gcs\""));
    let unlocked = report(&with("\"s3\"", "\"s3\"\nuse_lockfile = false"));
    assert!(unlocked.contains("`backend.use_lockfile` is false: without the lock"), "{unlocked}");
    assert_eq!(
        report(&with("\"s3\"\nbucket = \"example-terraform-state\"", "\"local\"")),
        "envs/dev/env.toml:21: `backend.key` is \"order-pipeline/dev.tfstate\": it belongs to the backend type \"s3\", \
         and the type here is \"local\". Allowed: leave the line out"
    );
}

#[test]
fn the_emulator_has_neither_xray_nor_a_lasting_state() {
    let report = report(&with("emulator = false", "emulator = true"));
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 2, "{report}");
    assert!(lines[0].contains("env.toml:5: `xray` is true: the emulator"), "{report}");
    assert!(lines[1].contains("env.toml:20: `backend.type` is \"s3\": what the emulator holds"), "{report}");
}

#[test]
fn every_problem_of_a_file_is_reported_in_the_order_of_its_lines() {
    let text = with("suffix = \"dev\"", "suffix = \"other\"")
        .replace("architecture = \"arm64\"", "architecture = 64")
        .replace("sms = false\n", "")
        .replace("type = ", "typo = ");
    let report = report(&text);
    let starts: Vec<_> = report.lines().map(|line| line.split(" is ").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "envs/dev/env.toml:1: `suffix`",
            "envs/dev/env.toml:3: `architecture`",
            "envs/dev/env.toml:19: `backend.typo` (set to \"s3\")",
            "envs/dev/env.toml: `notifications.sms`",
        ],
        "{report}"
    );
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let report = report(&with("region = \"eu-west-2\"", "region = eu-west-2"));
    assert!(report.starts_with("envs/dev/env.toml:2: the file is not TOML: "), "{report}");
    let twice = self::report(&with("xray = true", "xray = true\nxray = false"));
    assert!(twice.starts_with("envs/dev/env.toml:6: the file is not TOML: duplicate key"), "{twice}");
}

#[test]
fn two_environments_cannot_share_one_state() {
    let other = Source { folder: "prod".to_owned(), text: with("suffix = \"dev\"", "suffix = \"prod\"") };
    let error = check(&[source(GOOD), other]).unwrap_err().to_string();
    assert!(error.contains("envs/prod/env.toml:22: `backend.key` is \"order-pipeline/dev.tfstate\": "), "{error}");
    assert!(error.contains("envs/dev/env.toml keeps its state there too"), "{error}");
}

#[test]
fn the_problems_of_all_files_come_together() {
    let bad = Source { folder: "prod".to_owned(), text: "suffix = 5".to_owned() };
    let error = check(&[source(&with("arm64", "mips")), bad]).unwrap_err().to_string();
    assert!(error.starts_with("2 environments cannot be used:\nenvs/dev/env.toml:3: "), "{error}");
    assert!(error.contains("\nenvs/prod/env.toml:1: `suffix` is 5, which is a whole number."), "{error}");
}

#[test]
fn hostile_values_are_shown_on_one_bounded_line() {
    let report = report(&with("eu-west-2", &format!("\\u001b[31m\\n{}", "x".repeat(9000))));
    assert_eq!(report.lines().count(), 1);
    assert!(report.len() < 500, "{} bytes", report.len());
    assert!(!report.contains('\u{1b}') && report.contains("(9006 characters)"), "{report}");
}

#[test]
fn a_missing_or_unusable_support_contact_is_refused_with_an_example() {
    let missing = report(&with("support_contact = \"help@example.com\"\n", ""));
    assert!(missing.contains("`notifications.support_contact`") && missing.contains("help@example.com"), "{missing}");
    let insecure = report(&with("\"help@example.com\"", "\"http://example.com\""));
    assert!(insecure.contains("a URL has to start with https://"), "{insecure}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&source(&text), &[]);
    }

    #[test]
    fn a_retailer_name_is_kept_exactly_or_refused(name in any::<String>()) {
        let text = with("\"Example Retail\"", &serde_json::to_string(&name).unwrap().replace('\u{7f}', "\\u007f"));
        match parse(&source(&text), &[]) {
            Ok(environment) => prop_assert_eq!(environment.notifications.retailer_name.as_str(), name),
            Err(refused) => {
                let report = refused.to_string();
                prop_assert!(report.starts_with("envs/dev/env.toml:16: `notifications.retailer_name` is "), "{}", report);
            }
        }
    }
}
