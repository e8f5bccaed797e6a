//! The templates, compiled in. A template is a file; this list is what puts it into the binary.

/// Files under `templates`, each with its text.
macro_rules! files {
    ($($file:literal)*) => {
        &[$(($file, include_str!(concat!("templates/", $file)))),*]
    };
}

/// Name and text of every template. A layout comes before the templates that extend it.
pub(super) const TEMPLATES: &[(&str, &str)] = files![
    "email/layout.txt"
    "email/layout.html"
    "email/order-confirmed.subject.txt"
    "email/order-confirmed.txt"
    "email/order-confirmed.html"
    "sms/order-confirmed.txt"
    "push/order-confirmed.txt"
    "email/order-rejected.subject.txt"
    "email/order-rejected.txt"
    "email/order-rejected.html"
    "sms/order-rejected.txt"
    "push/order-rejected.txt"
    "email/out-of-stock.subject.txt"
    "email/out-of-stock.txt"
    "email/out-of-stock.html"
    "sms/out-of-stock.txt"
    "push/out-of-stock.txt"
    "email/payment-declined.subject.txt"
    "email/payment-declined.txt"
    "email/payment-declined.html"
    "sms/payment-declined.txt"
    "push/payment-declined.txt"
    "email/order-cancelled.subject.txt"
    "email/order-cancelled.txt"
    "email/order-cancelled.html"
    "sms/order-cancelled.txt"
    "push/order-cancelled.txt"
    "email/cancellation-refused.subject.txt"
    "email/cancellation-refused.txt"
    "email/cancellation-refused.html"
    "sms/cancellation-refused.txt"
    "push/cancellation-refused.txt"
    "email/dispatched.subject.txt"
    "email/dispatched.txt"
    "email/dispatched.html"
    "sms/dispatched.txt"
    "push/dispatched.txt"
    "email/delivered.subject.txt"
    "email/delivered.txt"
    "email/delivered.html"
    "sms/delivered.txt"
    "push/delivered.txt"
    "email/return-arrived.subject.txt"
    "email/return-arrived.txt"
    "email/return-arrived.html"
    "sms/return-arrived.txt"
    "push/return-arrived.txt"
    "email/payment-refunded.subject.txt"
    "email/payment-refunded.txt"
    "email/payment-refunded.html"
    "sms/payment-refunded.txt"
    "push/payment-refunded.txt"
];
