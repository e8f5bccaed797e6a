//! The messages to customers: one template for each notice and channel, compiled in and parsed once at the start.
//!
//! Names of people, products and carriers are untrusted input. They become one line without control characters before a
//! template uses them, and the HTML templates escape them.

mod clean;
mod facts;
mod gsm;
mod sms;
mod templates;
#[cfg(test)]
mod tests;

use order_domain::event::Event;
use order_domain::notification::Notice;
use order_domain::order::Order;
use tera::{Context, Tera};

use self::facts::Facts;
pub use self::gsm::sms_parts;
use self::templates::TEMPLATES;
use crate::ports::{Mail, Push};

/// Longest name of a retailer in a text, in characters: the limit of the setting.
const LONGEST_RETAILER: usize = 40;
/// Longest support contact, in characters: the limit of the setting.
const LONGEST_SUPPORT: usize = 254;

/// A text that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A template has a syntax error.
    #[error("the template {template} cannot be parsed; fix it under functions/handlers/src/texts/templates")]
    Unreadable {
        /// The template.
        template: String,
        /// Where, and why.
        #[source]
        cause: tera::Error,
    },
    /// A notice has no text on a channel.
    #[error("there is no template {0}; add it to functions/handlers/src/texts/templates")]
    Missing(String),
    /// A template uses a fact that the order lacks.
    #[error(
        "the text {template} could not be written: its template uses a fact that this order lacks; fix the template"
    )]
    Unwritable {
        /// The template.
        template: String,
        /// Which fact.
        #[source]
        cause: tera::Error,
    },
}

/// Every template, ready to be rendered.
#[derive(Debug, Clone)]
pub struct Texts {
    templates: Tera,
    retailer: String,
    support: String,
}

impl Texts {
    /// The compiled-in texts, in the retailer's name. `support` is the e-mail address or `https` page of its customer
    /// service.
    ///
    /// # Errors
    /// When a template is missing or cannot be parsed: it is named.
    pub fn compiled_in(retailer: &str, support: &str) -> Result<Self, TextError> {
        Self::parsed(TEMPLATES.iter().copied(), retailer, support)
    }

    /// A layout comes before the templates that extend it.
    fn parsed<'t>(
        templates: impl Iterator<Item = (&'t str, &'t str)>,
        retailer: &str,
        support: &str,
    ) -> Result<Self, TextError> {
        let mut parsed = Tera::default();
        parsed.autoescape_on(vec![".html"]);
        for (template, text) in templates {
            let added = parsed.add_raw_template(template, text);
            added.map_err(|cause| TextError::Unreadable { template: template.to_owned(), cause })?;
        }
        for file in Notice::ALL.iter().copied().flat_map(files_of) {
            if !parsed.get_template_names().any(|name| name == file) {
                return Err(TextError::Missing(file));
            }
        }
        let retailer = clean::one_line(retailer, LONGEST_RETAILER);
        Ok(Self { templates: parsed, retailer, support: clean::one_line(support, LONGEST_SUPPORT) })
    }

    /// The text message: one part, in the GSM alphabet. It has the support contact if there is room.
    ///
    /// # Errors
    /// When the template uses a fact that the order lacks.
    pub fn sms(&self, notice: Notice, event: &Event, order: &Order) -> Result<String, TextError> {
        let template = sms_file(notice);
        let facts = Facts::of(event, order, &sms::retailer(&self.retailer), &self.support, gsm::transliterated);
        let text = sms::in_one_part(facts, |facts| self.written(&template, facts))?;
        Ok(sms::with_help(text, &self.support))
    }

    /// The e-mail.
    ///
    /// # Errors
    /// When a template uses a fact that the order lacks.
    pub fn mail(&self, notice: Notice, event: &Event, order: &Order) -> Result<Mail, TextError> {
        let facts = self.facts(event, order);
        let [subject, text, html] = mail_files(notice);
        Ok(Mail {
            subject: self.written(&subject, &facts)?,
            text: self.written(&text, &facts)?,
            html: self.written(&html, &facts)?,
        })
    }

    /// The push notification.
    ///
    /// # Errors
    /// When the template uses a fact that the order lacks.
    pub fn push(&self, notice: Notice, event: &Event, order: &Order) -> Result<Push, TextError> {
        let body = self.written(&push_file(notice), &self.facts(event, order))?;
        Ok(Push { title: self.retailer.clone(), body, order_id: event.order_id.clone() })
    }

    fn facts(&self, event: &Event, order: &Order) -> Facts {
        Facts::of(event, order, &self.retailer, &self.support, str::to_owned)
    }

    fn written(&self, template: &str, facts: &Facts) -> Result<String, TextError> {
        let written = Context::from_serialize(facts).and_then(|context| self.templates.render(template, &context));
        let failed = |cause| TextError::Unwritable { template: template.to_owned(), cause };
        // A file ends with a line break, a text does not.
        written.map(|text| text.trim().to_owned()).map_err(failed)
    }
}

fn sms_file(notice: Notice) -> String {
    format!("sms/{}.txt", notice.name())
}

fn push_file(notice: Notice) -> String {
    format!("push/{}.txt", notice.name())
}

fn mail_files(notice: Notice) -> [String; 3] {
    ["subject.txt", "txt", "html"].map(|kind| format!("email/{}.{kind}", notice.name()))
}

fn files_of(notice: Notice) -> impl Iterator<Item = String> {
    mail_files(notice).into_iter().chain([sms_file(notice), push_file(notice)])
}
