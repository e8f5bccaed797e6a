//! The operator's commands against the emulator: tables, queues and a function, without Terraform.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod command_line;
mod dead_letters;
mod move_task;
mod pipeline;
mod replay;
mod stock;
mod stream_messages;
