//! What a process uses of its function's memory. Pages of files do not count: the kernel takes those back
//! before it ends a process for memory.

use std::time::Duration;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// Waits until the process uses more than `limit_mib`; gives what it used. For ever where the system does not
/// say what a process uses.
pub(super) async fn exceeded(process: Option<u32>, limit_mib: u32) -> u64 {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let used = process.and_then(used_mib);
        if let Some(used) = used.filter(|used| *used > u64::from(limit_mib)) {
            return used;
        }
    }
}

fn used_mib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(anonymous_kib(&status) / 1024)
}

/// Resident memory that belongs to no file, in KiB, from the text of `/proc/<pid>/status`.
fn anonymous_kib(status: &str) -> u64 {
    let lines = status.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        matches!(name, "RssAnon" | "RssShmem")
            .then(|| value.trim().trim_end_matches("kB").trim().parse::<u64>().ok())?
    });
    lines.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_files_do_not_count() {
        let status =
            "Name:\tx\nVmRSS:\t  9000 kB\nRssAnon:\t  2048 kB\nRssFile:\t 6952 kB\nRssShmem:\t 1024 kB\n";
        assert_eq!(anonymous_kib(status), 3072);
        assert_eq!(anonymous_kib("Name:\tx\n"), 0);
    }
}
