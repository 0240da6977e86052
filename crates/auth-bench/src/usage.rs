//! What this process uses up, as Linux tells it.

use std::fs;

use anyhow::Context;
use tokio::runtime::Handle;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Bytes that are in memory now (RSS).
    pub(crate) memory: u64,
    /// Open file descriptors.
    pub(crate) files: usize,
    /// Tasks of the runtime that have not ended.
    pub(crate) tasks: usize,
}

pub(crate) fn now(runtime: &Handle) -> anyhow::Result<Usage> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|it| it.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes.context("no VmRSS is told")?.parse()?;
    Ok(Usage {
        memory: kibibytes * 1024,
        // One of them is the folder that is being read.
        files: fs::read_dir("/proc/self/fd")?.count() - 1,
        tasks: runtime.metrics().num_alive_tasks(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_used_up_is_seen() {
        let handle = Handle::current();
        let before = now(&handle).unwrap();
        let files = [(); 5].map(|()| fs::File::open("/proc/self/status").unwrap());
        let memory = vec![1_u8; 64 << 20];
        let task = tokio::spawn(std::future::pending::<()>());
        let after = now(&handle).unwrap();
        task.abort();
        assert_eq!(after.tasks, before.tasks + 1);
        assert!(after.memory >= before.memory + memory.len() as u64 / 2);
        assert!(after.files >= before.files + files.len());
    }
}
