//! Names that clash with Rust, its prelude, Terraform's meta-arguments and the bindings' own: bindings generated from
//! `schema/hostile-names.json` have to compile, and write the provider's names.

#[allow(dead_code, unused_imports, reason = "it is there to compile, not to be used")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/hostile_names.rs"));
}

use generated::{Match, r#match};

use crate::terraform::{Address, Reference, Resource};

#[test]
fn hostile_names_compile_and_are_written_as_the_provider_has_them() {
    let resource =
        Match { body: "b", crate_: "c", self_: "s", r#type: "t", lifecycle: r#match::Lifecycle { provider: "p" } }
            .clone(true)
            .super_("up")
            .count(r#match::Count {}.for_each(3))
            .option([r#match::Option {}, r#match::Option {}])
            .vec(r#match::Vec {}.vec("v"))
            .arguments(r#match::Arguments { r#for: "x" });

    let json = serde_json::Value::Object(resource.into_body().to_json());
    assert_eq!(
        json,
        serde_json::json!({
            "body": "b", "crate": "c", "self": "s", "type": "t", "lifecycle": [{ "provider": "p" }],
            "clone": true, "super": "up", "count": [{ "for_each": 3 }], "option": [{}, {}],
            "vec": [{ "vec": "v" }], "arguments": [{ "for": "x" }],
        })
    );
}

#[test]
fn an_attribute_named_like_a_method_of_the_reference_is_still_an_attribute() {
    let reference = <r#match::MatchReference as Reference>::at(Address::new(false, "hostile_match", "x"));
    assert_eq!(reference.address().to_string(), "hostile_match.x.address");
    assert_eq!(reference.at().to_string(), "hostile_match.x.at");
    assert_eq!(Reference::address(&reference).as_str(), "hostile_match.x");
}
