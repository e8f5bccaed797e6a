//! Terraform itself reads the worst literals back as they were written. (Property tests hold many more against a reader
//! of our own, in `src/terraform/escape_tests.rs`.)

use std::fs;

use generator::template;
use generator::terraform::{Json, Module, Value, Variable, kind};
use serde_json::{Value as JsonValue, json};

use crate::support::Terraform;

const WORST: [&str; 12] = [
    "${var.secret}",
    "%{ if true }x%{ endif }",
    "$${a} $$${b} %%{c} %%%{d}",
    "$",
    "%",
    "$%{x}%${y}",
    "say \"hello\" \\ back\\slash \\n",
    "two\nlines\r\n\ttab",
    "{\"json\": \"${x}\"}",
    "null \u{1} bell \u{7} del \u{7f} line\u{2028}separator",
    "umlaut ä, snowman \u{2603}, emoji \u{1f980}",
    "}~}${\"",
];

#[test]
fn terraform_reads_the_worst_literals_back_as_they_were_written() {
    let mut module = Module::in_folder("literals", "".into(), "Hostile texts.");
    let end = module.variable(&Variable::<kind::Text>::new("end", "Follows every text.").default("END"));
    module.output("literal", "As an argument.", Value::<kind::List<kind::Text>>::from(WORST));
    module.output(
        "interpolated",
        "Beside an interpolation.",
        Value::<kind::List<kind::Text>>::from(WORST.map(|text| template![text, &end])),
    );
    module.output("keyed", "As keys.", Value::<kind::Map<kind::Boolean>>::from(WORST.map(|text| (text, true))));
    module.output(
        "encoded",
        "In an expression.",
        Json::from(WORST.map(|text| template![text, &end]).to_vec()).encode(),
    );

    let terraform = Terraform::new();
    for file in module.files().unwrap() {
        // Without the provider's requirement there is nothing to install.
        if !file.path.ends_with("versions.tf.json") {
            fs::write(terraform.folder.path().join(file.path), file.content).unwrap();
        }
    }
    terraform.run(&["apply", "-auto-approve", "-no-color"]);
    let outputs: JsonValue = serde_json::from_str(&terraform.run(&["output", "-json"])).unwrap();

    let with_end = json!(WORST.map(|text| format!("{text}END")));
    assert_eq!(outputs["literal"]["value"], json!(WORST));
    assert_eq!(outputs["interpolated"]["value"], with_end);
    let encoded: JsonValue = serde_json::from_str(outputs["encoded"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(encoded, with_end);
    let keys = outputs["keyed"]["value"].as_object().unwrap();
    assert!(keys.len() == WORST.len() && WORST.iter().all(|text| keys.contains_key(*text)), "{keys:?}");
}
