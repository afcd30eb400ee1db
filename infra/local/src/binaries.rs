//! Builds the functions: one `cargo build` of every binary of the workspace, in the same selection as the
//! command that asks, so that features unify the same way and nothing is compiled twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;

/// Built binaries by name, once per process and workspace.
static BUILT: Mutex<BTreeMap<PathBuf, BTreeMap<String, PathBuf>>> = Mutex::const_new(BTreeMap::new());

/// Which command the built binaries are beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// `cargo run` or `cargo build`.
    Run,
    /// `cargo test`, whose development dependencies switch features on in libraries that binaries share.
    Tests,
}

/// Builds the workspace at `root` and returns its executables by name. Cargo itself says where they are,
/// so `CARGO_TARGET_DIR`, configuration and profile need no guessing. A second call answers from memory. The
/// error is what cargo said.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says in the environment which cargo it is"
)]
pub async fn build(root: &Path, beside: Beside) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut built = BUILT.lock().await;
    if let Some(binaries) = built.get(root) {
        return Ok(binaries.clone());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--workspace",
            "--bins",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"));
    if beside == Beside::Tests {
        command.arg("--tests");
    }
    // The profile that this program was built with.
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| format!("cargo build could not be started: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo build failed in {} ({})",
            root.display(),
            output.status
        ));
    }
    let binaries = executables(&output.stdout);
    built.insert(root.to_owned(), binaries.clone());
    Ok(binaries)
}

/// Names and paths from cargo's messages.
fn executables(messages: &[u8]) -> BTreeMap<String, PathBuf> {
    String::from_utf8_lossy(messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/profile/test") != Some(&Value::Bool(true)))
        .filter_map(|message| {
            let name = message.pointer("/target/name")?.as_str()?.to_owned();
            let path = message.get("executable")?.as_str()?.to_owned();
            Some((name, PathBuf::from(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_read_from_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"inbound"},"profile":{"test":false},"executable":"/t/debug/inbound"}
{"reason":"compiler-artifact","target":{"name":"inbound"},"profile":{"test":true},"executable":"/t/debug/deps/inbound"}
not json
{"reason":"build-finished","success":true}"#;
        let expected = BTreeMap::from([("inbound".to_owned(), PathBuf::from("/t/debug/inbound"))]);
        assert_eq!(executables(messages), expected);
    }
}
