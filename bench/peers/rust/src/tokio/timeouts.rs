//! timeouts: a timer armed and disarmed, in one task for each worker; alone (scope) and among many armed ones
//! (crowded). tokio's timeout() arms its timer only when what it guards has to wait, and these do not; so the timer is
//! armed by hand: a Sleep, polled once and dropped. What timeout() takes without arming is shown as "tokio:unarmed".
use crate::runtime::{arm, Flavour};
use std::future::{ready, Future};
use std::time::Duration;
use support::{now_ns, Bench};
use tokio::task::unconstrained;
use tokio::time::{sleep, timeout};

const TIMEOUT: Duration = Duration::from_secs(30);

async fn scopes(n: usize) {
    for _ in 0..n {
        tokio::pin! {
            let timer = sleep(TIMEOUT);
        }
        arm(timer).await;
    }
}

async fn unarmed(n: usize) {
    for _ in 0..n {
        timeout(TIMEOUT, ready(())).await.expect("a scope expired");
    }
}

/// The scopes of all workers, the timers around armed before. Unconstrained: a task that polls this often without
/// having to wait would be told to give way, and no timer be armed.
async fn run<S, F>(n: usize, n_workers: usize, n_timers: usize, body: S) -> i64
where
    S: Fn(usize) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut timers = Vec::new();
    for i in 0..n_timers {
        let place = 2 * TIMEOUT / n_timers as u32 * (i as u32 + 1);
        let mut timer = Box::pin(sleep(Duration::from_secs(10) + place));
        unconstrained(arm(timer.as_mut())).await;
        timers.push(timer);
    }
    let start_ns = now_ns();
    let tasks: Vec<_> = (0..n_workers).map(|_| tokio::spawn(unconstrained(body(n / n_workers)))).collect();
    for task in tasks {
        task.await.expect("a scope failed");
    }
    now_ns() - start_ns
}

fn measure<S, F>(bench: &Bench, impl_name: Option<&'static str>, variant: &str, n_timers: usize, body: S)
where
    S: Fn(usize) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let n = bench.amount(10000000, 100000);
    for mut flavour in Flavour::all(bench) {
        if impl_name.is_some() && flavour.impl_name.is_some() {
            continue; // no third name
        }
        let runtime = flavour.start();
        let workers = flavour.workers as usize;
        let mut samples = Vec::new();
        flavour.run(&runtime, run(n, workers, n_timers, body));
        for _ in 0..bench.rounds() {
            samples.push(flavour.run(&runtime, run(n, workers, n_timers, body)) as f64 / n as f64);
        }
        flavour.impl_name = impl_name.or(flavour.impl_name);
        bench.report(flavour.figure(variant, n), "time per scope", "ns", &samples);
    }
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["scope", "crowded"], "1,2", 5);
    if bench.wants("scope") {
        measure(&bench, None, "scope", 0, scopes);
        measure(&bench, Some("tokio:unarmed"), "scope", 0, unarmed);
    }
    if bench.wants("crowded") {
        measure(&bench, None, "crowded", bench.amount(100000, 10000), scopes);
    }
    bench.finish()
}
