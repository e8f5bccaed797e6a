//! Which sheets are valid, and how problems are reported.

use proptest::prelude::*;

use super::*;

const HEADER: &str = "sku,name,unit_price_minor,currency,vat_percent,units,shards";

fn findings(sheet: &[u8]) -> Vec<String> {
    parse(sheet).unwrap_err().0.iter().map(ToString::to_string).collect()
}

fn with(rows: &str) -> Vec<u8> {
    format!("{HEADER}\n{rows}").into_bytes()
}

#[test]
fn a_good_sheet_is_read_in_any_order_of_columns() {
    let sheet =
        "units,sku, name ,shards,currency,vat_percent,unit_price_minor\r\n5,TEA,\"Tea, \"\"best\"\"\",2,GBP,20,749\r\n";
    let product = Product {
        sku: Sku::new("TEA").unwrap(),
        name: "Tea, \"best\"".into(),
        unit_price: Money::new(749, Currency::GBP),
        stock_shards: 2,
        vat_rate: VatRate::Standard,
    };
    assert_eq!(parse(sheet.as_bytes()), Ok(vec![Row { line: 2, product, units: 5 }]));
}

#[test]
fn every_bad_value_is_reported_with_its_line_and_column() {
    let sheet = with("TEA,Tea,749,GBP,20,5,1\n\nM G,Mug,-1,gbp,20,x,0\nCUP,,1,GBP,20,1,1\n");
    let found = findings(&sheet);
    assert_eq!(found.len(), 6, "{found:#?}");
    for (finding, start) in found.iter().zip([
        "line 4, column sku: `M G` is not a valid SKU",
        "line 4, column unit_price_minor: `-1` is negative",
        "line 4, column currency: `gbp` is not valid: a currency is three capital letters",
        "line 4, column units: `x` is not a whole number",
        "line 4, column shards: `0` is too small; write a whole number from 1 to 64",
        "line 5, column name: `` is not a valid name",
    ]) {
        assert!(finding.starts_with(start), "{finding} instead of {start}");
    }
}

#[test]
fn lines_are_counted_over_empty_lines_and_line_breaks_in_quotes() {
    let sheet = with("\n\r\nTEA,\"Tea\nand more\",1,GBP,20,1,1\n,,,,,,\nCUP,Cup,1,GBP,20,no,1");
    let found = findings(&sheet);
    assert!(found[0].starts_with("line 4, column name: `Tea\\nand more` is not a valid name"), "{found:?}");
    assert!(found[1].starts_with("line 7, column units: `no`"), "{found:?}");
}

#[test]
fn a_repeated_sku_is_reported_with_both_lines() {
    let found = findings(&with("TEA,Tea,1,GBP,20,1,1\nCUP,Cup,1,GBP,20,1,1\nTEA,Tea,1,GBP,20,2,1\n"));
    assert_eq!(found, ["line 4, column sku: `TEA` is also on line 2; use one row per SKU"]);
}

#[test]
fn a_wrong_header_is_reported_column_by_column() {
    let found = findings(b"sku,name,price,currency,vat_percent,units,units\nTEA,Tea,1,GBP,20,1,1\n");
    assert!(found[0].starts_with("line 1, column 3: `price` is not a column of this sheet"), "{found:?}");
    assert_eq!(found[1], "line 1, column 7: `units` is given twice");
    assert_eq!(found[2], "line 1: the column unit_price_minor is missing from the header");
    assert_eq!(found[3], "line 1: the column shards is missing from the header");
    let found = findings(HEADER.replace(',', ";").as_bytes());
    assert!(found[0].contains("separated by commas"), "{found:?}");
    let found = findings(b"TEA,Tea,749,GBP,20,5,1\n");
    assert!(found.iter().any(|finding| finding.contains("the column sku is missing")), "{found:?}");
}

#[test]
fn an_empty_file_and_a_file_without_rows_have_different_messages() {
    for empty in [&b""[..], b"\n\r\n", UTF8_MARK] {
        assert_eq!(findings(empty), [format!("line 1: the file is empty; its first line is {HEADER}")]);
    }
    assert_eq!(findings(HEADER.as_bytes()), ["line 1: there are no rows below the header"]);
}

#[test]
fn a_byte_order_mark_is_ignored_and_another_encoding_is_reported() {
    let marked = [UTF8_MARK, &with("TEA,Tea,1,GBP,20,1,1")].concat();
    assert_eq!(parse(&marked).unwrap().len(), 1);
    let sixteen: Vec<u8> = std::iter::once(0xfeff).chain(HEADER.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(findings(&sixteen), ["line 1: the file is UTF-16; save it as CSV in UTF-8"]);
    let latin = [HEADER.as_bytes(), b"\nTEA,Th\xe9,1,GBP,20,1,1\n"].concat();
    assert_eq!(findings(&latin), ["line 2, column name: `Th\u{fffd}` is not UTF-8; save the file as CSV in UTF-8"]);
}

#[test]
fn a_too_long_value_is_refused_and_shortened() {
    let long = "x".repeat(5_000);
    let found = findings(&with(&format!("{long},{long},100000000,GBP,20,1000000001,65")));
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.iter().all(|finding| finding.len() < 250), "{found:?}");
    assert!(found[2].contains("`100000000` is too large; write a whole number from 1 to 99999999"), "{found:?}");
}

#[test]
fn a_row_with_a_wrong_number_of_columns_is_reported_with_the_likely_cause() {
    let found = findings(&with("TEA,Tea, black,749,GBP,20,5,1\nCUP,Cup,1\n"));
    assert!(found[0].starts_with("line 2: the row has 8 columns instead of 7; put a text with a comma"), "{found:?}");
    assert!(found[1].starts_with("line 3: the row has 3 columns"), "{found:?}");
}

#[test]
fn control_characters_are_escaped() {
    let found = findings(&with("\u{1b}[2J,Tea,1,GBP,20,1,1\n"));
    assert!(found[0].contains("`\\u{1b}[2J`"), "{found:?}");
}

prop_compose! {
    fn any_row()(
        sku in "[A-Za-z0-9._-]{1,64}",
        // No space at either end: those are trimmed.
        name in "[^\\p{C}\\s]([^\\p{C}\\p{Z}]|[ ,\";']){0,50}[^\\p{C}\\s]",
        amount in 1..=Money::MAX_AMOUNT,
        currency in "[A-Z]{3}",
        units in 0..=MAXIMUM_UNITS,
        stock_shards in 1..=MAXIMUM_SHARDS,
        vat_rate in prop::sample::select(VatRate::ALL.to_vec()),
    ) -> (Product, u64) {
        let unit_price = Money::new(amount, Currency::new(&currency).unwrap());
        (Product { sku: Sku::new(sku).unwrap(), name, unit_price, stock_shards, vat_rate }, units)
    }
}

fn written(rows: &[(Product, u64)], break_at: Option<(usize, usize, &str)>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).unwrap();
    for (place, (product, units)) in rows.iter().enumerate() {
        let mut fields = [
            product.sku.to_string(),
            product.name.clone(),
            product.unit_price.amount.to_string(),
            product.unit_price.currency.to_string(),
            product.vat_rate.percent().to_string(),
            units.to_string(),
            product.stock_shards.to_string(),
        ];
        if let Some((row, column, value)) = break_at
            && row == place
        {
            fields[column] = value.to_owned();
        }
        writer.write_record(fields).unwrap();
    }
    writer.into_inner().unwrap()
}

fn distinct(rows: Vec<(Product, u64)>) -> Vec<(Product, u64)> {
    let by_sku: BTreeMap<Sku, (Product, u64)> = rows.into_iter().map(|row| (row.0.sku.clone(), row)).collect();
    by_sku.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_sheet_is_read_back(rows in prop::collection::vec(any_row(), 1..20).prop_map(distinct)) {
        let read = parse(&written(&rows, None)).unwrap();
        let read: Vec<(Product, u64)> = read.into_iter().map(|row| (row.product, row.units)).collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn only_the_one_bad_value_is_reported(
        rows in prop::collection::vec(any_row(), 1..20).prop_map(distinct),
        row in any::<prop::sample::Index>(),
        column in 0..COLUMNS.len(),
        value in prop::sample::select(vec!["-1", "1.0", "999999999999999999999", "\u{7f}", "a b\tc"]),
    ) {
        let row = row.index(rows.len());
        let wrong = parse(&written(&rows, Some((row, column, value))));
        // Most of these are good names.
        if COLUMNS[column] == "name" && !value.chars().any(char::is_control) {
            prop_assert!(wrong.is_ok());
        } else if COLUMNS[column] == "sku" && Sku::new(value).is_ok() {
            prop_assert!(wrong.is_ok());
        } else {
            let found = wrong.unwrap_err().0;
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].line, u64::try_from(row).unwrap() + 2);
            prop_assert_eq!(found[0].column.as_deref(), Some(COLUMNS[column]));
        }
    }

    #[test]
    fn no_bytes_break_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..300), headed in any::<bool>()) {
        let sheet = if headed { [HEADER.as_bytes(), b"\n", &bytes[..]].concat() } else { bytes };
        match parse(&sheet) {
            Ok(rows) => prop_assert!(!rows.is_empty()),
            Err(InvalidSheet(findings)) => prop_assert!(!findings.is_empty()),
        }
    }
}
