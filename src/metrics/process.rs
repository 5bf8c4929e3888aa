//! What the kernel knows about this process, under the names that every client library of Prometheus uses.
//!
//! Read from `/proc` on each scrape; what cannot be read is left out. The crate's own collector counts CPU time in
//! whole seconds, of which a rate says little.

use std::fs;
use std::path::Path;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

pub(super) struct Process {
    counters: Vec<(Counter, Read)>,
    gauges: Vec<(Gauge, Read)>,
}

type Read = fn(&Proc) -> Option<f64>;

impl Default for Process {
    fn default() -> Self {
        let counter = |name, help, read: Read| (Counter::new(name, help).expect("a well formed name"), read);
        let gauge = |name, help, read: Read| (Gauge::new(name, help).expect("a well formed name"), read);
        Self {
            counters: vec![
                counter("process_cpu_seconds_total", "User and system time in seconds", Proc::cpu),
                counter("process_network_receive_bytes_total", "Bytes its network received", |p| p.traffic(0)),
                counter("process_network_transmit_bytes_total", "Bytes its network sent", |p| p.traffic(8)),
            ],
            gauges: vec![
                gauge("process_resident_memory_bytes", "Resident memory", |p| Some(p.stat(23)? * p.page_size)),
                gauge("process_virtual_memory_bytes", "Virtual memory", |p| p.stat(22)),
                gauge("process_virtual_memory_max_bytes", "Limit of virtual memory", |p| p.limit("Max address space")),
                gauge("process_open_fds", "Open file descriptors", |p| Some(p.open_files? as f64)),
                gauge("process_max_fds", "Limit of open file descriptors", |p| p.limit("Max open files")),
                gauge("process_threads", "Threads", |p| p.stat(19)),
                gauge("process_start_time_seconds", "When it started, in unix seconds", Proc::started),
            ],
        }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let counters = self.counters.iter().flat_map(|(c, _)| c.desc());
        counters.chain(self.gauges.iter().flat_map(|(g, _)| g.desc())).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let proc = Proc::read();
        let mut families = Vec::new();
        for (counter, read) in &self.counters {
            if let Some(value) = read(&proc) {
                counter.inc_by((value - counter.get()).max(0.0));
                families.extend(counter.collect());
            }
        }
        for (gauge, read) in &self.gauges {
            if let Some(value) = read(&proc) {
                gauge.set(value);
                families.extend(gauge.collect());
            }
        }
        families
    }
}

/// The files of `/proc/self` as they were at one moment.
struct Proc {
    stat: String,
    limits: String,
    network: String,
    open_files: Option<usize>,
    boot: Option<f64>,
    page_size: f64,
    ticks: f64,
}

impl Proc {
    fn read() -> Self {
        let text = |path: &str| fs::read_to_string(Path::new("/proc").join(path)).unwrap_or_default();
        let boot = text("stat").lines().find_map(|l| l.strip_prefix("btime ")?.trim().parse().ok());
        Self {
            stat: text("self/stat"),
            limits: text("self/limits"),
            network: text("self/net/dev"),
            open_files: fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            boot,
            page_size: rustix::param::page_size() as f64,
            ticks: rustix::param::clock_ticks_per_second() as f64,
        }
    }

    /// A field of `/proc/self/stat`, counted from 0 as if the name in parentheses had no spaces.
    fn stat(&self, field: usize) -> Option<f64> {
        let (_, rest) = self.stat.rsplit_once(')')?;
        rest.split_whitespace().nth(field.checked_sub(2)?)?.parse().ok()
    }

    fn cpu(&self) -> Option<f64> {
        Some((self.stat(13)? + self.stat(14)?) / self.ticks)
    }

    fn started(&self) -> Option<f64> {
        Some(self.boot? + self.stat(21)? / self.ticks)
    }

    /// The soft limit of a line; unlimited is the largest number, as client_golang prints it.
    fn limit(&self, line: &str) -> Option<f64> {
        let text = self.limits.lines().find_map(|l| l.strip_prefix(line))?.split_whitespace().next()?;
        if text == "unlimited" { Some(u64::MAX as f64) } else { text.parse().ok() }
    }

    /// A column of `/proc/self/net/dev`, over all interfaces.
    fn traffic(&self, column: usize) -> Option<f64> {
        let interfaces = self.network.lines().filter_map(|line| Some(line.split_once(':')?.1));
        let bytes = interfaces.map(|numbers| numbers.split_whitespace().nth(column)?.parse::<f64>().ok());
        bytes.sum::<Option<f64>>().filter(|_| !self.network.is_empty())
    }
}
