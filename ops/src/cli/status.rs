//! `cargo ops status`

use clap::Args;
use deployed::instance::{State, status};

use terminal::outcome::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    pub fn run(self) -> Result<Outcome, Failure> {
        let instances = status()?;
        if instances.is_empty() {
            println!("No environment is up. Bring one up with: cargo ops up");
        }
        for instance in instances {
            let name = instance.name.as_str();
            match instance.state {
                State::Up { environment, connection } => {
                    println!("{name}: up, envs/{environment} at {}, API {}", connection.endpoint, connection.api_url);
                }
                State::InUse => println!("{name}: in use by a running command"),
                State::Remains => println!(
                    "{name}: not up, but has files or processes; remove them with: cargo ops down --instance {name}"
                ),
            }
        }
        Ok(Outcome::Well)
    }
}
