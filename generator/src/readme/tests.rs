//! What a reader finds in a README, and what no text can do to it.

use super::*;
use crate::environment::{Source, parse};
use crate::sample_settings::{self, KEPT_LOCALLY};
use crate::terraform::kind::{List, Number, Text};
use crate::terraform::{Value, Variable};

fn readmes() -> Readmes {
    Readmes::new().unwrap()
}

fn parcels() -> Module {
    let mut module = Module::new("parcels", "Where parcels | wait.");
    module.variable(&Variable::<Text>::new("environment_suffix", "Ends every name."));
    module.variable(&Variable::<List<Text>>::new("depots", "Depots as in `a|b`."));
    module.variable(&Variable::<Number>::new("shelves", "How many.").default(Value::from(4)));
    module.output("parcel_count", "How many *wait*.", Value::from(3));
    module
}

fn dev() -> Environment {
    let text = sample_settings::with(&[("\"Example Retail\"", "\"A `b` | <c> ${d}\""), KEPT_LOCALLY]);
    parse(&Source { folder: "dev".to_owned(), text }, &[]).unwrap()
}

#[test]
fn a_module_is_described_from_its_own_declarations() {
    let file = readmes().module(&parcels()).unwrap();
    assert_eq!(file.path, std::path::Path::new("modules/parcels/README.md"));
    for part in [
        "# Module `parcels`",
        "| `depots` | `list(string)` | required | Depots as in <code>a\\|b</code>. |\n",
        "| `shelves` | `number` | `4` | How many. |\n",
        "| `parcel_count` | How many \\*wait\\*. |\n",
        "module \"parcels\" {\n  source             = \"../../modules/parcels\"\n  depots             = var.depots\n  \
         environment_suffix = \"dev\"\n}\n",
        "      \"depots\": \"${var.depots}\",\n",
        "0 in all.\n\nNone.\n",
    ] {
        assert!(file.content.contains(part), "no {part:?} in:\n{}", file.content);
    }
}

#[test]
fn a_readme_starts_with_the_marker_and_ends_with_one_newline() {
    for file in
        [readmes().module(&parcels()).unwrap(), readmes().environment(&dev(), &parcels(), &[parcels()]).unwrap()]
    {
        assert!(file.content.starts_with(&format!("<!-- {MARKER} from the generator; do not edit. -->\n")));
        assert!(file.content.ends_with('\n') && !file.content.ends_with("\n\n"), "{:?}", file.content);
        assert!(!file.content.contains("\n\n\n"), "{}", file.content);
    }
}

#[test]
fn an_environment_says_its_settings_and_how_to_apply_it() {
    let content = readmes().environment(&dev(), &parcels(), &[parcels()]).unwrap().content;
    for part in [
        "# Environment `dev`",
        "| `alarm_email` | `on-call@example.com` |\n",
        "| `notifications.retailer_name` | <code>A \\`b\\` \\| \\<c\\> ${d}</code> |\n",
        "terraform -chdir=envs/dev apply -var 'depots=...'",
        "payment-gateway-secret-dev",
        "SNS sends a mail",
        "| [parcels](../../modules/parcels/README.md) | Where parcels \\| wait. |\n",
    ] {
        assert!(content.contains(part), "no {part:?} in:\n{content}");
    }
    assert!(!content.contains("AWS_ACCESS_KEY_ID=test"), "{content}");
}
