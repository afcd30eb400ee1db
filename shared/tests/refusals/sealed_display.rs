//! A sealed value in a text: it has no `Display`, so no message, log line or URL takes it up.

use usher_shared::Sealed;

fn main() {
    let name = Sealed::from("Anna Berg".to_owned());
    let _ = format!("Dear {name}");
}
