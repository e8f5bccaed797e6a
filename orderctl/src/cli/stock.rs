//! `orderctl stock`

use std::path::PathBuf;

use crate::stock::{Counted, Shelf, StockError, forecast, import, parse};
use clap::{Args, Subcommand};
use order_domain::id::Sku;
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_SHARDS, MAXIMUM_UNITS};
use serde_json::json;
use terminal::cancel::Cancel;
use terminal::progress::Progress;

use super::place::Place;
use terminal::outcome::{Failure, Outcome};

const SET_HELP: &str = "\
Free units are the units on the shelf that no order has reserved. Reserved and sold units are not changed, and orders that \
arrive meanwhile lose nothing. Count again before you repeat the command: units reserved since the last count are no \
longer free.

--shards spreads a popular product over more stock items; each takes about 500 reservations per second. It is safe to \
change it while orders arrive.

Examples:
  orderctl stock set TEA-ASSAM-250G --units 1200
  orderctl stock set GIFT-BOX --units 50000 --shards 8 --suffix prod";

const ADD_HELP: &str = "\
Adds all units or none. Unlike `set`, it is not safe to repeat: if the answer is lost, check `stock show` first.

Example:
  orderctl stock add TEA-ASSAM-250G --units 48";

const IMPORT_HELP: &str = "\
The first line names the columns, in any order: sku,name,unit_price_minor,currency,vat_percent,units,shards. Each row sets \
a product's name, price (in minor units, tax included: 749 is 7.49), VAT rate (20, 5 or 0), shards and free units, as \
`stock set` does. Products that are not in the file are not changed.

Every bad row is reported with its line, and nothing is imported until all rows are good. After an interruption, count \
again before you repeat the import: units reserved meanwhile would be counted as free.

Exit codes: 0 imported, or good with --dry-run; 1 the file is bad; 2 it could not run; 130 stopped by Ctrl-C.

Example:
  sku,name,unit_price_minor,currency,vat_percent,units,shards
  TEA-ASSAM-250G,\"Assam tea, 250 g\",749,GBP,0,1200,4";

/// Stock.
#[derive(Debug, Subcommand)]
pub enum Stock {
    /// Show free, reserved and sold units [default: of all products]
    Show(Show),
    /// Set a product's free units
    #[command(after_help = SET_HELP)]
    Set(Set),
    /// Add free units to a product
    #[command(after_help = ADD_HELP)]
    Add(Add),
    /// Set products, prices and free units from a CSV file
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
}

fn sku(text: &str) -> Result<Sku, String> {
    Sku::new(text).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub struct Show {
    /// Products to show
    #[arg(value_parser = sku)]
    skus: Vec<Sku>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Set {
    /// The product
    #[arg(value_parser = sku)]
    sku: Sku,
    /// Number of free units
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=MAXIMUM_UNITS))]
    units: u64,
    /// Number of shards [default: unchanged]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAXIMUM_SHARDS)))]
    shards: Option<u16>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The product
    #[arg(value_parser = sku)]
    sku: Sku,
    /// Number of units to add
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=MAXIMUM_UNITS))]
    units: u64,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The CSV file
    file: PathBuf,
    /// Check the file, show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the outcome as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Stock {
    pub async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        match self {
            Self::Show(command) => stoppable(command.run(), cancel).await,
            Self::Set(command) => stoppable(command.run(), cancel).await,
            // One transaction: it cannot be stopped half-way.
            Self::Add(command) => command.run().await,
            Self::Import(command) => command.run(cancel).await,
        }
    }
}

/// Runs work that is safe to stop anywhere and to repeat.
async fn stoppable(work: impl Future<Output = Result<Outcome, Failure>>, cancel: &Cancel) -> Result<Outcome, Failure> {
    tokio::select! {
        outcome = work => outcome,
        () = cancel.cancelled() => {
            eprintln!("stopped; run it again");
            Ok(Outcome::Interrupted)
        }
    }
}

impl Show {
    async fn run(self) -> Result<Outcome, Failure> {
        let shelf = Shelf::of(&self.place.reach().await?);
        let (mut counted, mut unknown) = (Vec::new(), Vec::new());
        if self.skus.is_empty() {
            let step = Progress::detect().step("Reading the stock");
            counted = shelf.all().await?;
            step.finish(&format!("{} products", counted.len()));
        }
        for sku in &self.skus {
            match shelf.one(sku).await? {
                Some(found) => counted.push(found),
                None => unknown.push(sku),
            }
        }
        if self.json {
            println!("{}", serde_json::to_string(&counted)?);
        } else {
            print_table(&counted, !self.skus.is_empty());
        }
        for sku in &unknown {
            eprintln!("{sku} is not in the catalogue");
        }
        Ok(if unknown.is_empty() { Outcome::Well } else { Outcome::Failed })
    }
}

fn print_table(counted: &[Counted], each_shard: bool) {
    if counted.is_empty() {
        println!("There are no products.");
        return;
    }
    let width = counted.iter().map(|counted| counted.product.sku.as_str().len()).max().unwrap_or(3).max(10);
    println!(
        "{:<width$} {:>12} {:>12} {:>12} {:>6}  {:>12}  name",
        "SKU", "free", "reserved", "sold", "shards", "price"
    );
    for Counted { product, level, shards } in counted {
        println!(
            "{:<width$} {:>12} {:>12} {:>12} {:>6}  {:>12}  {}",
            product.sku,
            level.free,
            level.reserved,
            level.sold,
            product.stock_shards,
            product.unit_price.to_string(),
            crate::dead_letters::printable(&product.name),
        );
        for shard in shards.iter().filter(|_| each_shard) {
            let level = shard.level;
            let name = format!("  shard {}", shard.shard);
            println!("{name:<width$} {:>12} {:>12} {:>12}", level.free, level.reserved, level.sold);
        }
    }
}

impl Set {
    async fn run(self) -> Result<Outcome, Failure> {
        let shelf = Shelf::of(&self.place.reach().await?);
        print_table(&[shelf.set(&self.sku, self.units, self.shards).await?], true);
        Ok(Outcome::Well)
    }
}

impl Add {
    async fn run(self) -> Result<Outcome, Failure> {
        let shelf = Shelf::of(&self.place.reach().await?);
        print_table(&[shelf.add(&self.sku, self.units).await?], true);
        Ok(Outcome::Well)
    }
}

impl Import {
    async fn run(self, cancel: &Cancel) -> Result<Outcome, Failure> {
        let read = std::fs::read(&self.file);
        let bytes = read.map_err(|source| StockError::File { path: self.file.clone(), source })?;
        let rows = match parse(&bytes) {
            Ok(rows) => rows,
            Err(invalid) => {
                if self.json {
                    println!("{}", json!({ "findings": invalid.0 }));
                } else {
                    invalid.0.iter().for_each(|finding| eprintln!("{finding}"));
                    eprintln!("{}: {invalid}", self.file.display());
                }
                return Ok(Outcome::Failed);
            }
        };
        let shelf = Shelf::of(&self.place.reach().await?);
        if self.dry_run {
            let forecast = forecast(&shelf, &rows).await?;
            if self.json {
                println!("{}", serde_json::to_string(&forecast)?);
            } else {
                println!(
                    "{} rows are good: {} new products, {} changed, {} unchanged. The import sets the free units of all.",
                    rows.len(),
                    forecast.new,
                    forecast.changed,
                    forecast.unchanged
                );
            }
            return Ok(Outcome::Well);
        }
        let imported = import(&shelf, &rows, Progress::detect(), cancel).await?;
        if self.json {
            println!("{}", serde_json::to_string(&imported)?);
        } else {
            println!("{} of {} rows imported.", imported.rows, imported.of);
            if imported.interrupted {
                println!(
                    "Stopped before the end. Count again before you repeat it: units reserved meanwhile would be counted as free."
                );
            }
        }
        Ok(if imported.interrupted { Outcome::Interrupted } else { Outcome::Well })
    }
}
