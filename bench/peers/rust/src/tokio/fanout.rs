//! fanout: 100,000 tasks that do nothing but give a value: their handles awaited in their order (gather), or taken out
//! of a JoinSet as they finish (as_completed).
use crate::runtime::{time_per_unit, timed, Flavour};
use support::{now_ns, Bench};
use tokio::task::JoinSet;

async fn empty(value: usize) -> usize {
    value
}

async fn gather(n: usize) {
    let handles: Vec<_> = (0..n).map(|_| tokio::spawn(empty(n))).collect();
    let mut results = Vec::with_capacity(n);
    for handle in handles {
        results.push(handle.await.expect("a task failed"));
    }
    assert!(results.len() == n && results.iter().all(|&value| value == n), "results are missing");
}

async fn as_completed(n: usize) {
    let mut set = JoinSet::new();
    let mut n_seen = 0;
    for _ in 0..n {
        set.spawn(empty(n));
    }
    while let Some(result) = set.join_next().await {
        n_seen += (result.expect("a task failed") == n) as usize;
    }
    assert!(n_seen == n, "results are missing");
}

/// From nothing to nothing: the runtime started and stopped as well.
fn program(bench: &Bench, n: usize) {
    for flavour in Flavour::all(bench) {
        let mut samples = Vec::new();
        for _ in 0..bench.rounds() {
            let start_ns = now_ns();
            let runtime = flavour.start();
            flavour.run(&runtime, gather(n));
            drop(runtime);
            samples.push((now_ns() - start_ns) as f64 / n as f64);
        }
        bench.report(flavour.figure("program", n), "time per task", "ns", &samples);
    }
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["gather", "as_completed", "program"], "1,2", 5);
    let n = 100000;
    time_per_unit(&bench, "gather", n, "time per task", |n| timed(gather(n)));
    time_per_unit(&bench, "as_completed", n, "time per task", |n| timed(as_completed(n)));
    if bench.wants("program") {
        program(&bench, n);
    }
    bench.finish()
}
