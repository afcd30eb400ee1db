//! The meter for reading: a table in plain text.

use std::fmt::Write as _;

use super::prices::Prices;
use super::{Bill, Reading};

/// The reading as text. With `messages`, what a million of them would cost.
pub(crate) fn text(reading: &Reading, prices: &Prices, messages: Option<u32>) -> String {
    let mut rows: Vec<[String; 7]> = vec![
        [
            "function", "trigger", "call", "resource", "requests", "read", "write",
        ]
        .map(str::to_owned),
    ];
    for line in &reading.calls {
        let kind = &line.kind;
        rows.push([
            kind.cause.function.clone(),
            kind.cause.trigger.clone(),
            format!("{} {}", kind.service, kind.operation),
            kind.resource.clone(),
            match line.usage.failed_conditions {
                0 => line.usage.requests.to_string(),
                failed => format!("{} ({failed} refused)", line.usage.requests),
            },
            units(line.usage.read_units),
            units(line.usage.write_units),
        ]);
    }
    let (read, write) = reading.units(|_| true);
    let total = reading.requests(|_| true).to_string();
    rows.push(["total", "", "", "", &total, &units(read), &units(write)].map(str::to_owned));
    let mut out = aligned(&rows);

    let mut rows: Vec<[String; 4]> =
        vec![["function", "trigger", "invocations", "ms each"].map(str::to_owned)];
    for line in &reading.invocations {
        let each = line.runs.milliseconds / line.runs.invocations.max(1);
        rows.push([
            line.cause.function.clone(),
            line.cause.trigger.clone(),
            line.runs.invocations.to_string(),
            each.to_string(),
        ]);
    }
    out.push('\n');
    out.push_str(&aligned(&rows));

    let bill = Bill::of(reading, prices);
    let per = messages.filter(|count| *count > 0);
    let mut rows: Vec<[String; 3]> = vec![["cost", "USD", "USD per million messages"].map(str::to_owned)];
    let totals = [
        ("without duration", bill.without_duration()),
        ("total", bill.total()),
    ];
    for (name, usd) in bill.items().into_iter().chain(totals) {
        let million = per.map(|count| format!("{:.2}", usd / f64::from(count) * 1e6));
        rows.push([name.to_owned(), format!("{usd:.8}"), million.unwrap_or_default()]);
    }
    out.push('\n');
    out.push_str(&aligned(&rows));
    // Writing to a string cannot fail.
    let _: Result<(), _> = writeln!(
        out,
        "\nPrices: {}. Durations are of this machine's build; storage and transfer are not counted.",
        prices.source
    );
    out
}

fn units(units: f64) -> String {
    if units == 0.0 {
        String::new()
    } else {
        format!("{units:.1}")
    }
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _: Result<(), _> = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
