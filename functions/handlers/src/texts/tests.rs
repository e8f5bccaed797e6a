//! Every text on every channel, with sample, minimal and hostile orders.

use std::sync::LazyLock;

use order_domain::event::{Event, EventType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::gsm::{SEPTETS, septets};
use super::*;

const SUPPORT: &str = "help@shop.example";

/// Parsed once: parsing takes longer than all that is written.
static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::compiled_in("Example Retail", SUPPORT).unwrap());

fn texts_of(retailer: &str) -> Texts {
    Texts { retailer: clean::one_line(retailer, LONGEST_RETAILER), ..TEXTS.clone() }
}

/// What the texts are made of.
struct Sample {
    retailer: String,
    event: Event,
    order: Order,
}

/// An order and one of its events; `changes` are merged over both documents.
fn sample(event_type: EventType, order: &Value, event: &Value) -> Sample {
    let base = json!({
        "orderId": "ord-1", "customerId": "cus-1", "status": "CONFIRMED", "paymentStatus": "AUTHORISED",
        "shipmentStatus": "NONE", "total": { "amount": 1998, "currency": "GBP" },
    });
    let mut of_order = base.clone();
    merge(
        &mut of_order,
        &json!({
            "customer": { "name": "Ada Lovelace", "email": "ada@example.com" }, "notify": ["EMAIL", "SMS", "PUSH"],
            "shippingAddress": { "line1": "1", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB" },
            "delivery": { "amount": 0, "currency": "GBP" },
            "paymentMethod": "pm_a", "lines": [line("TEA", "Tea", 2)], "version": 3, "fingerprint": "0".repeat(64),
            "createdAt": "2026-11-24T00:00:00.000Z", "updatedAt": "2026-11-24T00:00:00.000Z",
        }),
    );
    merge(&mut of_order, order);
    let mut of_event = base;
    merge(
        &mut of_event,
        &json!({
            "sequence": 3, "eventType": event_type, "at": "2026-11-24T00:00:00.000Z", "actor": "payment", "cause": "AUTHORISE_PAYMENT", "messageId": "m",
            "refunded": 500, "shipment": { "carrier": "Royal Mail", "trackingNumber": "RM123456789GB" },
        }),
    );
    merge(&mut of_event, event);
    Sample {
        retailer: "Example Retail".into(),
        event: serde_json::from_value(of_event).unwrap(),
        order: serde_json::from_value(of_order).unwrap(),
    }
}

fn line(sku: &str, name: &str, quantity: u32) -> Value {
    json!({ "sku": sku, "name": name, "quantity": quantity, "stockShards": 1,
        "unitPrice": { "amount": 999, "currency": "GBP" } })
}

fn merge(document: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
}

/// Every text of a notice: SMS, push body, subject, plain text and HTML.
fn all(sample: &Sample) -> [String; 5] {
    let texts = texts_of(&sample.retailer);
    let notice = Notice::of(sample.event.event_type).unwrap();
    let mail = texts.mail(notice, &sample.event, &sample.order).unwrap();
    let push = texts.push(notice, &sample.event, &sample.order).unwrap();
    let sms = texts.sms(notice, &sample.event, &sample.order).unwrap();
    [sms, push.body, mail.subject, mail.text, mail.html]
}

fn told() -> impl Iterator<Item = EventType> {
    EventType::ALL.iter().copied().filter(|event_type| Notice::of(*event_type).is_some())
}

const REASONS: [&str; 6] = [
    r#"{"code":"UNKNOWN_SKU","sku":"TEA"}"#,
    r#"{"code":"CURRENCY_NOT_SOLD","currency":"EUR"}"#,
    r#"{"code":"PRICE_MISMATCH","expected":1998,"actual":99999999}"#,
    r#"{"code":"TOTAL_TOO_LARGE"}"#,
    r#"{"code":"OUT_OF_STOCK","sku":"TEA"}"#,
    r#"{"code":"PAYMENT_DECLINED","declineCode":"insufficient_funds"}"#,
];

/// The words of a text without what surrounds them: no hole, no doubled space, no stray sign.
fn assert_reads_well(text: &str, of: &str) {
    assert!(!text.is_empty() && text == text.trim(), "{of}: {text:?}");
    for wrong in
        ["  ", "settle", "set aside", " ,", " .", "..", "{{", "}}", "{%", "null", "None", "()", "\n\n\n", ": ,", " \n"]
    {
        assert!(!text.contains(wrong), "{of} has {wrong:?}: {text}");
    }
    assert!(text.contains("ord-1"), "{of} does not name its order: {text}");
}

#[test]
fn every_text_of_every_channel_reads_well() {
    for event_type in told() {
        let mut reasons: Vec<Value> = REASONS.iter().map(|reason| serde_json::from_str(reason).unwrap()).collect();
        reasons.push(Value::Null);
        for (reason, status) in reasons.iter().flat_map(|reason| [(reason, "CONFIRMED"), (reason, "CANCELLED")]) {
            let sample = sample(event_type, &json!({}), &json!({ "reason": reason, "status": status }));
            for (text, channel) in all(&sample).iter().zip(["SMS", "PUSH", "SUBJECT", "TEXT", "HTML"]) {
                assert_reads_well(text, &format!("{} of {} ({reason})", channel, event_type.name()));
                match channel {
                    "TEXT" => assert!(text.contains("Need help? help@shop.example\n"), "{text}"),
                    "HTML" => assert!(text.contains("href=\"mailto:help@shop.example\""), "{text}"),
                    // The customer may not have chosen e-mail, or the environment may not send any.
                    "SMS" | "PUSH" => assert!(!text.to_lowercase().contains("email"), "{text}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn what_is_missing_leaves_no_hole() {
    for event_type in told() {
        let bare = sample(
            event_type,
            &json!({ "lines": [], "customer": { "name": "\u{200b}\n", "email": "a@b.cd" } }),
            &json!({ "shipment": null, "refunded": 0, "total": { "amount": 0, "currency": "GBP" } }),
        );
        let blank = sample(event_type, &json!({}), &json!({ "shipment": { "carrier": " ", "trackingNumber": "\n" } }));
        for sample in [bare, blank] {
            for text in all(&sample) {
                assert_reads_well(&text, event_type.name());
            }
        }
    }
    let [.., text, _] =
        all(&sample(EventType::OrderConfirmed, &json!({ "customer": { "name": "", "email": "" } }), &json!({})));
    assert!(text.starts_with("Hello,\n"), "{text}");
}

#[test]
fn the_confirmation_has_the_lines_and_the_total() {
    let order = json!({ "lines": [line("TEA", "Tea", 2), line("MUG", "Mug", 1)] });
    let [sms, push, subject, text, html] = all(&sample(EventType::OrderConfirmed, &order, &json!({})));
    assert_eq!(sms, "Example Retail: thank you, order ord-1 is confirmed. Total £19.98. Help: help@shop.example");
    assert_eq!(push, "Thank you, order ord-1 is confirmed. Total £19.98.");
    assert_eq!(subject, "Your order ord-1 is confirmed");
    assert_eq!(
        text,
        "Hello Ada Lovelace,\n\nThank you for your order ord-1. It's confirmed.\n\n2 x Tea: £19.98\n1 x Mug: £9.99\n\
         Total: £19.98\n\nWe'll charge your card when your order leaves us, and email you then.\n\nNeed help? help@shop.example\n\n\
         Example Retail"
    );
    assert!(html.contains("<td>1 &times; Mug</td>") && html.contains("£19.98") && html.starts_with("<!doctype html>"));
}

#[test]
fn the_confirmation_has_the_delivery_and_the_tax_where_there_are_any() {
    let order = json!({ "delivery": { "amount": 399, "currency": "GBP" }, "vat": 333 });
    let [_, _, _, text, html] = all(&sample(EventType::OrderConfirmed, &order, &json!({})));
    assert!(text.contains("\nDelivery: £3.99\nTotal: £19.98, including £3.33 VAT\n"), "{text}");
    assert!(html.contains("<td>Delivery</td>") && html.contains("£3.33 VAT"), "{html}");
}

#[test]
fn each_notice_says_what_the_customer_must_know() {
    let priced = json!({ "reason": { "code": "PRICE_MISMATCH", "expected": 1998, "actual": 2100 } });
    let sold_out = json!({ "reason": { "code": "OUT_OF_STOCK", "sku": "TEA" } });
    for (event_type, event, said) in [
        (EventType::ShipmentDispatched, json!({}), &["Royal Mail", "RM123456789GB"][..]),
        (EventType::PaymentRefunded, json!({}), &["£5.00"]),
        (EventType::OrderRejected, priced, &["price"]),
        (EventType::OrderOutOfStock, sold_out, &["don't have enough stock", "haven't been charged"]),
        (EventType::PaymentDeclined, json!({}), &["declined"]),
        (EventType::OrderCancelled, json!({}), &["cancelled"]),
        (EventType::PaymentCaptured, json!({}), &["£19.98"]),
        (EventType::CancellationRefused, json!({}), &["can't be cancelled"]),
        (EventType::ShipmentDelivered, json!({}), &["has been delivered"]),
        (EventType::ShipmentReturned, json!({}), &["received your return"]),
        (EventType::ShipmentReturned, json!({ "status": "CANCELLED" }), &["came back to us"]),
    ] {
        let [sms, push, _, text, html] = all(&sample(event_type, &json!({}), &event));
        for text in [sms, push, text, html] {
            for said in said {
                assert!(
                    text.to_lowercase().contains(&said.to_lowercase()),
                    "{} lacks {said}: {text}",
                    event_type.name()
                );
            }
        }
    }
    let [.., text, _] = all(&sample(
        EventType::OrderOutOfStock,
        &json!({}),
        &json!({ "reason": { "code": "OUT_OF_STOCK", "sku": "TEA" } }),
    ));
    assert!(text.contains("enough stock of Tea for your order"), "{text}");
    let reason = json!({ "reason": { "code": "PRICE_MISMATCH", "expected": 1998, "actual": 2100 } });
    let [.., text, _] = all(&sample(EventType::OrderRejected, &json!({}), &reason));
    assert!(text.contains("£21.00") && text.contains("£19.98"), "{text}");
}

const HOSTILE: &str =
    "{{ order }}<script>alert('x')</script>\"&\r\nBcc: eve@example.com\r\n\r\n\u{202e}\u{2028}\u{0}\u{1b}";

#[test]
fn hostile_names_add_no_markup_no_line_and_no_header() {
    for event_type in told() {
        let named = |name: &str| {
            let order = json!({ "customer": { "name": name, "email": "a@b.cd" }, "lines": [line("TEA", name, 2)] });
            let event = json!({ "shipment": { "carrier": name, "trackingNumber": name },
                "reason": { "code": "OUT_OF_STOCK", "sku": "TEA" } });
            Sample { retailer: name.to_owned(), ..sample(event_type, &order, &event) }
        };
        let [sms, push, subject, text, html] = all(&named(HOSTILE));
        let [_, _, _, plain_text, plain_html] = all(&named("Ada"));
        for line in [&sms, &push, &subject] {
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        for text in [&sms, &push, &subject, &text, &html] {
            assert!(!text.contains(['\u{202e}', '\u{2028}', '\u{0}', '\u{1b}', '\r']), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        }
        assert_eq!(text.lines().count(), plain_text.lines().count(), "{text}");
        // As many tags as with a harmless name, so no name made one.
        assert_eq!(html.matches('<').count(), plain_html.matches('<').count(), "{html}");
        assert_eq!(html.matches('"').count(), plain_html.matches('"').count(), "{html}");
        assert!(!html.contains("<script") && !html.contains("alert('"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        // What looks like a template is a name like any other.
        assert!(text.contains("{{ order }}") && html.contains("{{ order }}"), "{text}");
    }
}

#[test]
fn a_long_text_message_loses_the_carrier_first_and_the_tracking_number_last() {
    let id = format!("ord-{}", "0123456789".repeat(6));
    let name = "Royal Mail Special Delivery Guaranteed by 1pm";
    let order = json!({ "orderId": id });
    let event = json!({ "orderId": id, "shipment": { "carrier": name, "trackingNumber": "RM123456789GB-0123456789" } });
    let sample = Sample {
        retailer: "The Worldwide Emporium of Fine Teas Ltd".into(),
        ..sample(EventType::ShipmentDispatched, &order, &event)
    };
    let [sms, push, ..] = all(&sample);
    assert_eq!(
        sms,
        format!("The Worldwide Emporium of F..: order {id} is on its way with Royal Mail.., RM123456789GB-0123456789.")
    );
    assert_eq!(septets(&sms), Some(SEPTETS));
    assert!(push.contains(name), "only a text message is cut: {push}");
}

#[test]
fn a_retailer_whom_the_alphabet_cannot_write_is_still_a_sender() {
    assert_eq!(sms::retailer("Łódź Café"), "Lodz Café");
    assert_eq!(sms::retailer("***"), "Order news");
}

#[test]
fn a_template_that_cannot_be_parsed_is_named() {
    let broken = [("email/layout.txt", "{% if %}")];
    let error = Texts::parsed(broken.into_iter(), "Shop", SUPPORT).unwrap_err();
    assert!(matches!(&error, TextError::Unreadable { template, .. } if template == "email/layout.txt"), "{error}");
    let without = TEMPLATES.iter().copied().filter(|(name, _)| *name != "sms/delivered.txt");
    let error = Texts::parsed(without, "Shop", SUPPORT).unwrap_err();
    assert!(matches!(&error, TextError::Missing(name) if name == "sms/delivered.txt"), "{error}");
}

#[test]
fn a_template_that_uses_what_is_not_known_is_an_error_and_no_hole() {
    let misspelt = |(name, text)| (name, if name == "sms/delivered.txt" { "{{ ordre }}" } else { text });
    let texts = Texts::parsed(TEMPLATES.iter().copied().map(misspelt), "Shop", SUPPORT).unwrap();
    let sample = sample(EventType::ShipmentDelivered, &json!({}), &json!({}));
    let error = texts.sms(Notice::Delivered, &sample.event, &sample.order).unwrap_err();
    assert!(crate::failure::chain(&error).contains("ordre"), "{}", crate::failure::chain(&error));
}

#[test]
fn a_cancellation_gives_its_reason_and_a_receipt_its_items() {
    let reason = json!({ "reason": { "code": "PAYMENT_DECLINED", "declineCode": "expired_card" } });
    let [sms, ..] = all(&sample(EventType::OrderCancelled, &json!({}), &reason));
    assert_eq!(
        sms,
        "Example Retail: your bank's authorisation for order ord-1 expired and it declined a new one, so we've cancelled \
         the order. You won't be charged."
    );
    let [.., text, html] = all(&sample(EventType::PaymentCaptured, &json!({}), &json!({})));
    assert!(text.contains("\n\n2 x Tea: £19.98\nTotal: £19.98\n\nNeed help?"), "{text}");
    assert!(html.contains("<td>2 &times; Tea</td>"), "{html}");
}

#[test]
fn a_support_page_is_a_link_and_one_outside_the_alphabet_stays_out_of_text_messages() {
    let sample = sample(EventType::ShipmentDelivered, &json!({}), &json!({}));
    let written = |support: &str| {
        let texts = Texts { support: support.to_owned(), ..TEXTS.clone() };
        let mail = texts.mail(Notice::Delivered, &sample.event, &sample.order).unwrap();
        (mail.html, texts.sms(Notice::Delivered, &sample.event, &sample.order).unwrap())
    };
    let (html, sms) = written("https://shop.example/help");
    assert!(html.replace("&#x2F;", "/").contains("<a href=\"https://shop.example/help\">"), "{html}");
    assert!(sms.ends_with("Help: https://shop.example/help"), "{sms}");
    let (_, sms) = written("a`b@shop.example");
    assert_eq!(sms, "Example Retail: order ord-1 has been delivered.");
}

/// The templates that others extend or include.
const SHARED: [&str; 4] = ["email/layout.txt", "email/layout.html", "email/lines.txt", "email/lines.html"];

#[test]
fn every_file_is_compiled_in() {
    let expected = Notice::ALL.iter().copied().flat_map(files_of).chain(SHARED.map(Into::into));
    let expected: std::collections::BTreeSet<String> = expected.collect();
    let compiled_in: std::collections::BTreeSet<String> =
        TEMPLATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(compiled_in, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_text_message_is_one_part_within_the_alphabet(
        retailer in "\\PC{1,40}",
        id in "ord-[A-Za-z0-9-]{1,60}",
        carrier in any::<String>(),
        tracking in "\\PC{0,58}[0-9]",
        amount in 0_u64..=99_999_999,
        currency in prop_oneof![Just("GBP"), Just("EUR"), Just("KWD")],
        reason in proptest::sample::select(&REASONS[..]),
        cancelled in any::<bool>(),
    ) {
        for event_type in told() {
            let order = json!({ "orderId": id });
            let event = json!({
                "orderId": id, "shipment": { "carrier": carrier, "trackingNumber": tracking }, "refunded": amount,
                "total": { "amount": amount, "currency": currency },
                "reason": serde_json::from_str::<Value>(reason).unwrap(),
                "status": if cancelled { "CANCELLED" } else { "CONFIRMED" },
            });
            let sample = sample(event_type, &order, &event);
            let texts = texts_of(&retailer);
            let notice = Notice::of(event_type).unwrap();
            let sms = texts.sms(notice, &sample.event, &sample.order).unwrap();
            prop_assert_eq!(sms_parts(&sms), 1, "{}", &sms);
            prop_assert!(septets(&sms).is_some(), "{}", &sms);
            prop_assert!(!sms.contains(char::is_control), "{:?}", &sms);
            // Whole to its last sign: names were cut, not the text.
            let facts = sms.strip_suffix(" Help: help@shop.example").unwrap_or(&sms);
            prop_assert!(facts.ends_with('.') && !facts.ends_with(".."), "{}", &sms);
            prop_assert_eq!(texts.sms(notice, &sample.event, &sample.order).unwrap(), sms);
        }
    }
}
