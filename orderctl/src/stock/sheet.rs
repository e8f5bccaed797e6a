//! Reads the warehouse's sheet, a CSV file. Every bad row is reported; only a sheet without bad rows is accepted.

use std::collections::BTreeMap;
use std::fmt;

use csv::{ByteRecord, ReaderBuilder, Trim};
use order_domain::catalogue::Product;
use order_domain::charges::VatRate;
use order_domain::id::Sku;
use order_domain::money::{Currency, Money};
use order_handlers::adapters::dynamodb::warehouse::{MAXIMUM_SHARDS, MAXIMUM_UNITS};
use serde::Serialize;

use super::number::whole;

/// The columns: all are required, in any order, and no others.
pub const COLUMNS: [&str; 7] = ["sku", "name", "unit_price_minor", "currency", "vat_percent", "units", "shards"];
/// Maximum characters of a product's name.
pub const LONGEST_NAME: usize = 200;
/// Maximum characters of a bad value in a finding.
const SHOWN: usize = 40;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A good row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The product.
    pub product: Product,
    /// Its free units.
    pub units: u64,
}

/// A problem in a sheet, and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The line, from 1.
    pub line: u64,
    /// The column, if one column is wrong.
    pub column: Option<String>,
    /// Its value, shortened.
    pub value: Option<String>,
    /// What is wrong, and what is valid.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(formatter, ", column {column}")?;
        }
        match &self.value {
            Some(value) => write!(formatter, ": `{value}` {}", self.problem),
            None => write!(formatter, ": {}", self.problem),
        }
    }
}

/// A sheet with bad rows, which is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sheet has {} problems, so nothing is imported", .0.len())]
pub struct InvalidSheet(pub Vec<Finding>);

/// Reads a sheet.
///
/// Ignores a UTF-8 byte order mark, which spreadsheets write, and empty rows.
///
/// # Errors
///
/// Every problem in the sheet, by line.
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>, InvalidSheet> {
    let whole_file = |problem: &str| Err(InvalidSheet(vec![Finding::row(1, problem.to_owned())]));
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return whole_file("the file is UTF-16; save it as CSV in UTF-8");
    }
    let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes);
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut record = ByteRecord::new();
    let mut findings = Vec::new();
    let mut places: Option<[usize; COLUMNS.len()]> = None;
    let mut rows: Vec<Row> = Vec::new();
    let mut seen: BTreeMap<Sku, u64> = BTreeMap::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                findings.push(Finding::row(lines.line, format!("the rest of the file cannot be read: {error}")));
                break;
            }
        }
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        let Some(places) = places else {
            places = Some(header(line, &record).map_err(InvalidSheet)?);
            continue;
        };
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        match row(line, &record, places) {
            Ok(row) => match seen.get(&row.product.sku) {
                None => {
                    seen.insert(row.product.sku.clone(), line);
                    rows.push(row);
                }
                Some(first) => {
                    let sku = row.product.sku.as_str();
                    findings.push(Finding::of(
                        line,
                        "sku",
                        sku,
                        format!("is also on line {first}; use one row per SKU"),
                    ));
                }
            },
            Err(wrong) => findings.extend(wrong),
        }
    }
    match () {
        () if places.is_none() => whole_file(&format!("the file is empty; its first line is {}", COLUMNS.join(","))),
        () if !findings.is_empty() => Err(InvalidSheet(findings)),
        () if rows.is_empty() => whole_file("there are no rows below the header"),
        () => Ok(rows),
    }
}

impl Finding {
    fn row(line: u64, problem: String) -> Self {
        Self { line, column: None, value: None, problem }
    }

    fn of(line: u64, column: &str, value: &str, problem: impl Into<String>) -> Self {
        let mut shown: String = value.escape_debug().take(SHOWN).collect();
        if value.escape_debug().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self { line, column: Some(column.to_owned()), value: Some(shown), problem: problem.into() }
    }
}

/// Finds the line of a byte. The CSV reader gives the line before the empty lines that it skips.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first text at or after a byte. Call it with increasing bytes.
    fn of(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(sign) = self.bytes.get(self.at) {
            if self.at >= byte && !matches!(sign, b'\n' | b'\r') {
                break;
            }
            let ends = match sign {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
    }
}

/// The position of each column.
fn header(line: u64, record: &ByteRecord) -> Result<[usize; COLUMNS.len()], Vec<Finding>> {
    let names: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let mut findings = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if !COLUMNS.contains(&name.as_str()) {
            let hint = if name.contains([';', '\t']) { "; columns are separated by commas" } else { "" };
            let problem = format!("is not a column of this sheet; its columns are {}{hint}", COLUMNS.join(", "));
            findings.push(Finding::of(line, &format!("{}", place + 1), name, problem));
        } else if names.iter().take(place).any(|earlier| earlier == name) {
            findings.push(Finding::of(line, &format!("{}", place + 1), name, "is given twice"));
        }
    }
    let mut places = [0; COLUMNS.len()];
    for (column, found) in COLUMNS.iter().zip(&mut places) {
        match names.iter().position(|name| name == column) {
            Some(place) => *found = place,
            None => findings.push(Finding::row(line, format!("the column {column} is missing from the header"))),
        }
    }
    if findings.is_empty() { Ok(places) } else { Err(findings) }
}

fn row(line: u64, record: &ByteRecord, places: [usize; COLUMNS.len()]) -> Result<Row, Vec<Finding>> {
    if record.len() != COLUMNS.len() {
        let problem = format!(
            "the row has {} columns instead of {}; put a text with a comma between quotation marks",
            record.len(),
            COLUMNS.len()
        );
        return Err(vec![Finding::row(line, problem)]);
    }
    let mut findings = Vec::new();
    let mut texts = [""; COLUMNS.len()];
    for ((column, place), text) in COLUMNS.iter().zip(places).zip(&mut texts) {
        let bytes = record.get(place).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(valid) => *text = valid,
            Err(_) => {
                let lossy = String::from_utf8_lossy(bytes);
                findings.push(Finding::of(line, column, &lossy, "is not UTF-8; save the file as CSV in UTF-8"));
            }
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let [sku, name, price, currency, vat, units, shards] = texts;
    let mut wrong = |column, value, problem: String| findings.push(Finding::of(line, column, value, problem));
    let mut number = |column, text, range| whole(text, range).map_err(|problem| wrong(column, text, problem)).ok();
    let amount = number("unit_price_minor", price, 1..=Money::MAX_AMOUNT);
    let units_read = number("units", units, 0..=MAXIMUM_UNITS);
    let stock_shards =
        number("shards", shards, 1..=u64::from(MAXIMUM_SHARDS)).and_then(|count| u16::try_from(count).ok());
    let sku_read = Sku::new(sku).map_err(|_| {
        wrong(
            "sku",
            sku,
            format!("is not a valid SKU: use 1 to {} letters, digits, dots, underscores and hyphens", Sku::MAX_LENGTH),
        );
    });
    let currency_read =
        Currency::new(currency).map_err(|error| wrong("currency", currency, format!("is not valid: {error}")));
    let vat_rate = VatRate::ALL.iter().copied().find(|rate| rate.percent().to_string() == vat);
    if vat_rate.is_none() {
        wrong("vat_percent", vat, "is not a VAT rate; use 20, 5 or 0".to_owned());
    }
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || name.chars().any(char::is_control) {
        let problem = format!("is not a valid name: use 1 to {LONGEST_NAME} characters on one line; it has {length}");
        wrong("name", name, problem);
    }
    match (sku_read, amount, currency_read, vat_rate, units_read, stock_shards) {
        (Ok(sku), Some(amount), Ok(currency), Some(vat_rate), Some(units), Some(stock_shards))
            if findings.is_empty() =>
        {
            let unit_price = Money::new(amount, currency);
            let name = name.to_owned();
            Ok(Row { line, product: Product { sku, name, unit_price, stock_shards, vat_rate }, units })
        }
        _ => {
            findings.sort_by_key(|finding| COLUMNS.iter().position(|column| finding.column.as_deref() == Some(column)));
            Err(findings)
        }
    }
}

#[cfg(test)]
mod tests;
