//! Prints the `OpenAPI` document of the whole API, as it belongs into `docs/openapi.json`:
//! `cargo run -p usher-tests --example openapi > docs/openapi.json`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

fn main() {
    let mut document = inbox::openapi();
    document.merge(erasure::openapi());
    document.merge(retention::openapi());
    document.merge(exports::openapi());
    document.merge(attachments::openapi());
    document.merge(alerts::openapi());
    document.merge(channels::openapi());
    document.merge(documents::openapi());
    println!("{}", document.to_pretty_json().unwrap());
}
