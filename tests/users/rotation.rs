//! A log file that is moved away while calls are made, as logrotate does.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::logs::lines;
use crate::mesh::{Users, WEB};
use crate::parts::calls::repeat;
use crate::support::http::{self, Request};
use crate::support::process::{PATIENCE, eventually};

const CALLS: usize = 900;

pub(crate) fn nothing_lost(users: &mut Users) {
    users.mesh.configure(
        "log-to-file.yaml",
        "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: log-to-file, namespace: shop}\nspec:\n  \
         selector: {matchLabels: {app: client}}\n  accessLogging:\n  - providers: [{name: envoy-json}, {name: file-json}]\n",
    );
    let directory = users.mesh.directory().join("logs");
    let log = directory.join("access.log");
    let address: SocketAddr = (users.resolve(WEB), 80).into();
    let client = users.client.namespace();
    // Until the new listener has taken over, calls are logged as they were.
    eventually(PATIENCE, "a call in the log", || {
        repeat(client, address, WEB, "/first", 1);
        (!lines(&log, 0).is_empty()).then_some(())
    });
    let reopen = Request { method: "POST", authority: "admin", path: "/reopen_logs", headers: &[] };
    let moved = |n: usize| directory.join(format!("access.log.{n}"));
    std::thread::scope(|scope| {
        let calls = scope.spawn(|| repeat(client, address, WEB, "/rotated", CALLS));
        let mut n = 0;
        while !calls.is_finished() || n == 0 {
            n += 1;
            std::fs::rename(&log, moved(n)).unwrap();
            let answer = client.inside(|| http::call(SocketAddr::from(([127, 0, 0, 1], 15000)), &reopen)).unwrap();
            assert_eq!(answer.status, 200);
            eventually(PATIENCE, "lines in a new log", || {
                let length = log.metadata().map_or(0, |data| data.len());
                (length > 50_000 || calls.is_finished()).then_some(())
            });
        }
        println!("{n} files");
    });
    eventually(PATIENCE, "every call in one of the files", || {
        let mut files = vec![log.clone()];
        files.extend((1..).map(moved).take_while(|file| file.exists()));
        let all: Vec<_> = files.iter().flat_map(|file| lines(file, 0)).map(|(_, line)| line).collect();
        let rotated: Vec<_> = all.iter().filter(|line| line.path.as_deref() == Some("/rotated")).collect();
        let once: BTreeSet<_> = rotated.iter().filter_map(|line| line.request_id.as_deref()).collect();
        assert!(rotated.len() <= CALLS && once.len() == rotated.len(), "a call is logged once");
        (rotated.len() == CALLS).then_some(())
    });
}
