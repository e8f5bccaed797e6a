//! One dependency after the other is away while orders come in. Each is accepted, goes as far as it can and waits there; what
//! does not need the dependency goes on; and when it is back, everything is done, once. `docs/failures` has a page for each.

mod breakage;
mod course;

use fault_proxy::{Fault, Rule};

use self::breakage::Breakage;
use self::course::{Ear, Outage, Rest};
use crate::world::World;

pub async fn orders_wait_for_a_throttled_table_and_none_is_lost(world: &World<'_>) {
    let throttled = Breakage::Requests(|connection| {
        Rule::always(Fault::Throttled).of_service("dynamodb").that_names(&connection.orders_table)
    });
    let outage = Outage {
        name: "orders table throttled",
        broken: throttled,
        rest: Rest::InTheFirstQueue,
        retried_by: Some(("validate-function", 2)),
        a_read_answers: 503,
        silent: &[],
    };
    outage.take_its_course(world).await;
}

pub async fn orders_wait_for_a_catalogue_that_cannot_be_read_and_none_is_lost(world: &World<'_>) {
    let unreadable = Breakage::Requests(|connection| {
        let fails = Rule::always(Fault::Error { status: 500 }).of_service("dynamodb");
        fails.of_action("BatchGetItem").that_names(&connection.inventory_table)
    });
    let outage = Outage {
        name: "catalogue unreadable",
        broken: unreadable,
        rest: Rest::InTheFirstQueue,
        retried_by: Some(("validate-function", 2)),
        a_read_answers: 404,
        silent: &[],
    };
    outage.take_its_course(world).await;
}

pub async fn orders_complete_while_sns_is_down_and_every_event_is_published_afterwards(world: &World<'_>) {
    let outage = Outage {
        name: "SNS down",
        broken: Breakage::Requests(|_| Rule::always(Fault::Error { status: 503 }).of_service("sns")),
        rest: Rest::AtTheirEnd,
        retried_by: Some(("contact-function", 2)),
        a_read_answers: 200,
        silent: &[Ear::Topics, Ear::Texts],
    };
    outage.take_its_course(world).await;
}

pub async fn orders_complete_while_ses_is_down_and_every_mail_is_sent_afterwards(world: &World<'_>) {
    let outage = Outage {
        name: "SES down",
        broken: Breakage::Requests(|_| Rule::always(Fault::Error { status: 503 }).of_service("ses")),
        rest: Rest::AtTheirEnd,
        retried_by: Some(("contact-function", 2)),
        a_read_answers: 200,
        silent: &[Ear::Mails],
    };
    outage.take_its_course(world).await;
}

pub async fn orders_complete_while_nobody_reads_the_stream_and_every_event_is_published_afterwards(world: &World<'_>) {
    let outage = Outage {
        name: "stream's consumer down",
        broken: Breakage::Source("notify-function"),
        rest: Rest::AtTheirEnd,
        // Nothing is invoked, so nothing returns to a queue.
        retried_by: None,
        a_read_answers: 200,
        silent: &[Ear::Topics, Ear::Texts, Ear::Mails],
    };
    outage.take_its_course(world).await;
}

pub async fn orders_wait_for_a_broken_stage_and_none_is_lost(world: &World<'_>) {
    let outage = Outage {
        name: "inventory broken",
        broken: Breakage::Permissions("inventory"),
        rest: Rest::Validated,
        retried_by: Some(("inventory-function", 1)),
        a_read_answers: 200,
        silent: &[],
    };
    outage.take_its_course(world).await;
}
