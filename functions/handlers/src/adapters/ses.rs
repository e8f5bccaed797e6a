//! E-mail by SES, and the class of its errors.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use order_contract::mail_event::{ORDER_ID_TAG, SEQUENCE_TAG};
use order_contract::variable;

use super::settings::{self, SettingError};
use crate::failure::Failure;
use crate::ports::{AboutEvent, Mail, Receipt, Refusal};

/// The name of a mail in logs and errors.
const WHAT: &str = "an e-mail could not be sent";

/// The mail service.
#[derive(Debug, Clone)]
pub struct Ses {
    client: Client,
    environment: String,
    from: String,
    configuration_set: String,
}

impl Ses {
    /// Mail from the address that the environment names; `None` where it names none, and none may be sent.
    ///
    /// # Errors
    /// When the environment has no name, or an address and no configuration set.
    pub fn from_environment(client: Client) -> Result<Option<Self>, SettingError> {
        let environment = settings::text(variable::ENVIRONMENT_SUFFIX)?;
        let Ok(from) = settings::text(variable::EMAIL_FROM) else { return Ok(None) };
        let configuration_set = settings::text(variable::EMAIL_CONFIGURATION_SET)?;
        Ok(Some(Self { client, environment, from, configuration_set }))
    }

    /// Sends a mail. With its tags, SES reports its fate and counts deliveries, bounces and complaints by event and
    /// environment.
    pub(super) async fn send(&self, to: &str, mail: &Mail, about: &AboutEvent) -> Result<Receipt, Failure> {
        let (message, tags) = self.message(mail, about).map_err(|error| Failure::transient(WHAT, error))?;
        let send = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build())
            .set_email_tags(Some(tags));
        match send.send().await {
            Ok(_) => Ok(Receipt::Sent),
            Err(error) => answer_to(&error, &self.from),
        }
    }

    fn message(&self, mail: &Mail, about: &AboutEvent) -> Result<(Message, Vec<MessageTag>), BuildError> {
        let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        let tag = |name: &str, value: &str| MessageTag::builder().name(name).value(value).build();
        let tags = vec![
            tag("event", about.event_type.name())?,
            tag("environment", &self.environment)?,
            tag(ORDER_ID_TAG, about.order_id.as_str())?,
            tag(SEQUENCE_TAG, &about.sequence.to_string())?,
        ];
        Ok((Message::builder().subject(content(&mail.subject)?).body(body).build(), tags))
    }
}

/// The class of an SES error, decided here and nowhere else.
///
/// A mail that SES rejects, or whose address it cannot read, is refused for good. Every other error is transient: a throttle,
/// or a problem that an operator fixes, e.g. a suspended account, a missing permission or an unverified sender.
fn answer_to<R>(error: &SdkError<SendEmailError, R>, from: &str) -> Result<Receipt, Failure> {
    let refused = match error.as_service_error() {
        // In the sandbox a mail to an address that is not verified is rejected as one from such an address is; the text
        // names the addresses that failed.
        Some(SendEmailError::MessageRejected(rejected)) => !names(rejected.message().unwrap_or_default(), from),
        // Somebody deleted the configuration set: the customer's address is as good as before.
        Some(SendEmailError::BadRequestException(bad)) => {
            !bad.message().unwrap_or_default().to_ascii_lowercase().contains("configuration set")
        }
        _ => false,
    };
    if refused {
        return Ok(Receipt::Refused(Refusal::AddressRefused));
    }
    // SES repeats addresses in its message, and an address must not reach a log: only the code goes on.
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no answer");
    Err(Failure::transient_because(format!("{WHAT} ({code})")))
}

/// Whether a text names the address of a sender such as `Shop <orders@shop.example>`.
fn names(text: &str, sender: &str) -> bool {
    let address = sender.rsplit_once('<').map_or(sender, |(_, address)| address.trim_end_matches('>')).trim();
    text.to_ascii_lowercase().contains(&address.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::types::error::{
        AccountSuspendedException, BadRequestException, LimitExceededException, MailFromDomainNotVerifiedException,
        MessageRejected, NotFoundException, SendingPausedException, TooManyRequestsException,
    };

    use order_domain::event::EventType;

    use super::*;

    fn answer(error: SendEmailError) -> Result<Receipt, Failure> {
        answer_to(&SdkError::service_error(error, ()), "Shop <Orders@shop.example>")
    }

    #[test]
    fn a_permanent_refusal_is_final_and_a_problem_that_an_operator_fixes_is_retried() {
        let rejected = |text: &str| SendEmailError::MessageRejected(MessageRejected::builder().message(text).build());
        let unverified =
            "Email address is not verified. The following identities failed the check in region EU-WEST-2:";
        for refused in [
            rejected(&format!("{unverified} ada@example.com")),
            SendEmailError::BadRequestException(BadRequestException::builder().build()),
        ] {
            assert_eq!(answer(refused).unwrap(), Receipt::Refused(Refusal::AddressRefused));
        }
        for passing in [
            rejected(&format!("{unverified} orders@shop.example, ada@example.com")),
            SendEmailError::MailFromDomainNotVerifiedException(MailFromDomainNotVerifiedException::builder().build()),
            SendEmailError::NotFoundException(NotFoundException::builder().build()),
            SendEmailError::BadRequestException(
                BadRequestException::builder().message("Configuration set <mail> does not exist.").build(),
            ),
            SendEmailError::AccountSuspendedException(AccountSuspendedException::builder().build()),
            SendEmailError::SendingPausedException(SendingPausedException::builder().build()),
            SendEmailError::TooManyRequestsException(TooManyRequestsException::builder().build()),
            SendEmailError::LimitExceededException(LimitExceededException::builder().build()),
        ] {
            let failure = answer(passing).unwrap_err();
            assert!(matches!(failure, Failure::Transient { .. }), "{failure}");
        }
        let failure = answer_to(&SdkError::<_, ()>::timeout_error("slow"), "a@b.cd").unwrap_err();
        assert!(failure.to_string().contains("no answer"), "{failure}");
    }

    #[test]
    fn a_mails_tags_say_which_event_it_is_about() {
        let settings = aws_sdk_sesv2::Config::builder().behavior_version_latest().build();
        let ses = Ses {
            client: Client::from_conf(settings),
            environment: "dev".into(),
            from: "orders@shop.example".into(),
            configuration_set: "mail-configuration-set-dev".into(),
        };
        let mail = Mail { subject: "s".into(), text: "t".into(), html: "h".into() };
        let order_id = order_domain::id::OrderId::new("ord-1").unwrap();
        let about = AboutEvent { order_id, sequence: 3, event_type: EventType::OrderConfirmed };
        let (_, tags) = ses.message(&mail, &about).unwrap();
        let tags: Vec<_> = tags.iter().map(|tag| (tag.name(), tag.value())).collect();
        let expected = [("event", "ORDER_CONFIRMED"), ("environment", "dev"), ("orderId", "ord-1"), ("sequence", "3")];
        assert_eq!(tags, expected);
    }

    #[test]
    fn no_address_reaches_the_failure() {
        let text = "Email address is not verified: orders@shop.example, ada@example.com";
        let rejected = SendEmailError::MessageRejected(MessageRejected::builder().message(text).build());
        let failure = answer(rejected).unwrap_err();
        assert!(!crate::failure::chain(&failure).contains('@'), "{failure}");
    }
}
