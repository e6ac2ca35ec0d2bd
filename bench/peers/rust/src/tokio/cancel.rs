//! cancel: a million tasks in sleep() aborted one by one, and the handle of each awaited (task); a million armed Sleep
//! futures dropped, which is how tokio cancels what is not a task (future).
use crate::runtime::{arm, Flavour};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use support::{back_memory, now_ns, Bench};
use tokio::task::unconstrained;
use tokio::time::sleep;

const LONG: Duration = Duration::from_secs(600);

async fn sleeper(n_asleep: Arc<AtomicUsize>) {
    tokio::pin! {
        let timer = sleep(LONG);
    }
    arm(timer.as_mut()).await;
    n_asleep.fetch_add(1, Ordering::Relaxed);
    timer.await;
}

async fn cancel_tasks(n: usize) -> i64 {
    let n_asleep = Arc::new(AtomicUsize::new(0));
    let handles: Vec<_> = (0..n).map(|_| tokio::spawn(sleeper(n_asleep.clone()))).collect();
    while n_asleep.load(Ordering::Relaxed) < n {
        sleep(Duration::from_millis(1)).await;
    }
    let start_ns = now_ns();
    for handle in &handles {
        handle.abort();
    }
    for handle in handles {
        assert!(handle.await.expect_err("a sleeper woke up").is_cancelled());
    }
    now_ns() - start_ns
}

async fn cancel_futures(n: usize) -> i64 {
    let mut timers = Vec::with_capacity(n);
    for _ in 0..n {
        let mut timer = Box::pin(sleep(LONG));
        unconstrained(arm(timer.as_mut())).await;
        timers.push(timer);
    }
    let start_ns = now_ns();
    drop(timers);
    now_ns() - start_ns
}

fn run(bench: &Bench, variant: &str, flavour: &Flavour) {
    let n = bench.amount(1000000, 20000);
    let runtime = flavour.start();
    let round = || match variant {
        "task" => flavour.run(&runtime, cancel_tasks(n)),
        _ => flavour.run(&runtime, cancel_futures(n)),
    };
    round();
    let samples: Vec<f64> = (0..bench.rounds()).map(|_| round() as f64 / n as f64).collect();
    bench.report(flavour.figure(variant, n), "time per cancel", "ns", &samples);
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["task", "future"], "1,2", 3);
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
