//! The texts that customers get: one template for each notice and channel, compiled in and parsed once at the start.
//!
//! Names of people, products and carriers are somebody else's input. In HTML the templates escape them; everywhere else
//! they are one line without control characters before a template sees them.

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

/// Longest retailer's name in a text, in characters: the longest that an environment may have.
const LONGEST_RETAILER: usize = 40;

/// A text that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A template breaks tera's rules.
    #[error("the template {template} cannot be parsed; mend it under functions/handlers/src/texts/templates")]
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
    /// A template uses what is not known of the order.
    #[error("the text {template} could not be written; mend its template, which uses what is not known of the order")]
    Unwritable {
        /// The template.
        template: String,
        /// What it uses.
        #[source]
        cause: tera::Error,
    },
}

/// Every text, ready to be written.
#[derive(Debug, Clone)]
pub struct Texts {
    templates: Tera,
    retailer: String,
}

impl Texts {
    /// The texts that are compiled in, from a retailer.
    ///
    /// # Errors
    /// When a template is missing or cannot be parsed: it is named.
    pub fn compiled_in(retailer: &str) -> Result<Self, TextError> {
        Self::parsed(TEMPLATES.iter().copied(), retailer)
    }

    /// A layout comes before the templates that extend it.
    fn parsed<'t>(templates: impl Iterator<Item = (&'t str, &'t str)>, retailer: &str) -> Result<Self, TextError> {
        let mut parsed = Tera::default();
        parsed.autoescape_on(vec![".html"]);
        for (template, text) in templates {
            let added = parsed.add_raw_template(template, text);
            added.map_err(|cause| TextError::Unreadable { template: template.to_owned(), cause })?;
        }
        for file in Notice::ALL.into_iter().flat_map(files_of) {
            if !parsed.get_template_names().any(|name| name == file) {
                return Err(TextError::Missing(file));
            }
        }
        Ok(Self { templates: parsed, retailer: clean::one_line(retailer, LONGEST_RETAILER) })
    }

    /// The text message: one part, within the alphabet that makes it so.
    ///
    /// # Errors
    /// When the template uses what is not known of the order.
    pub fn sms(&self, notice: Notice, event: &Event, order: &Order) -> Result<String, TextError> {
        let template = sms_file(notice);
        sms::in_one_part(Facts::of(event, order, &sms::retailer(&self.retailer), gsm::transliterated), |facts| {
            self.written(&template, facts)
        })
    }

    /// The e-mail.
    ///
    /// # Errors
    /// When a template uses what is not known of the order.
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
    /// When the template uses what is not known of the order.
    pub fn push(&self, notice: Notice, event: &Event, order: &Order) -> Result<Push, TextError> {
        let body = self.written(&push_file(notice), &self.facts(event, order))?;
        Ok(Push { title: self.retailer.clone(), body, order_id: event.order_id.clone() })
    }

    fn facts(&self, event: &Event, order: &Order) -> Facts {
        Facts::of(event, order, &self.retailer, str::to_owned)
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
