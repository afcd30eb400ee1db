//! A plain text in the open: it may be a name, a number, an address.

use usher_shared::record::Open;

fn main() {
    let _ = Open("Anna Berg".to_owned());
}
