//! sleepers: tasks in sleep() (task), and a million Sleep futures in one task, which polls those that are due (future).
use crate::runtime::{timed, Flavour};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use support::{back_memory, pause_ns, resident_bytes, Bench};
use tokio::time::sleep;

async fn sleep_tasks(n: usize, time: Duration) {
    let handles: Vec<_> = (0..n).map(|_| tokio::spawn(sleep(time))).collect();
    for handle in handles {
        handle.await.expect("a sleeper failed");
    }
}

async fn sleep_futures(n: usize, time: Duration) {
    let mut sleeps: FuturesUnordered<_> = (0..n).map(|_| sleep(time)).collect();
    while sleeps.next().await.is_some() {}
}

/// What `call` gives, and the most resident memory seen meanwhile.
fn with_peak<T>(call: impl FnOnce() -> T) -> (T, f64) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak = resident_bytes();
            while !is_over.load(Ordering::Acquire) {
                peak = peak.max(resident_bytes());
                pause_ns(5000000);
            }
            peak
        });
        let result = call();
        is_over.store(true, Ordering::Release);
        (result, sampler.join().unwrap())
    })
}

fn run(bench: &Bench, variant: &str, flavour: &Flavour) {
    let n = bench.amount(1000000, 20000);
    let time = Duration::from_millis(bench.amount(3000, 200) as u64);
    let (mut total, mut beyond, mut each, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let runtime = flavour.start();
        let before = resident_bytes();
        let (ns, peak) = with_peak(|| match variant {
            "task" => flavour.run(&runtime, timed(sleep_tasks(n, time))),
            _ => flavour.run(&runtime, timed(sleep_futures(n, time))),
        });
        pause_ns(bench.amount(2000000000, 300000000) as i64);
        total.push(ns as f64 / 1e9);
        beyond.push((ns - time.as_nanos() as i64) as f64 / n as f64);
        each.push((peak - before) / n as f64);
        left.push((resident_bytes() - before) / (1 << 20) as f64);
    }
    let figure = flavour.figure(variant, n);
    bench.report(figure, "total", "s", &total);
    bench.report(figure, "beyond the sleep, each", "ns", &beyond);
    bench.report(figure, "resident memory, each", "B", &each);
    let left_metric = if bench.is_quick() { "memory left after 0.3 s" } else { "memory left after 2 s" };
    bench.report(figure, left_metric, "MiB", &left);
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["task", "future"], "2", 3);
    back_memory(bench.amount(1000000, 20000) * 1000);
    for flavour in Flavour::all(&bench) {
        for variant in ["task", "future"] {
            if bench.wants(variant) {
                run(&bench, variant, &flavour);
            }
        }
    }
    bench.finish()
}
