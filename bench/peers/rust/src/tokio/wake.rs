//! wake, idle, outside: the runtime as plain threads outside see it. As ../../../../wake.c, which says what is
//! measured.
use crate::runtime::Flavour;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;
use support::{now_ns, pause_ns, pause_until_ns, Bench, Figure, Threads};
use tokio::runtime::{Handle, Runtime};

const PERIOD_NS: i64 = 10000000;
const BATCH: usize = 1000;

fn start(workers: u32) -> (Runtime, Threads) {
    let before = Threads::all();
    let runtime = Flavour { impl_name: None, workers }.start();
    let threads = Threads::started_since(&before);
    assert!(threads.count() >= workers, "the runtime's threads are not to be seen");
    (runtime, threads)
}

fn wake_us(runtime: &Runtime, until_ns: i64) -> f64 {
    let woken_ns = Arc::new(AtomicI64::new(0));
    let stamp = woken_ns.clone();
    let start_ns = now_ns();
    let task = runtime.spawn(async move { stamp.store(now_ns(), Ordering::Release) });
    pause_until_ns(until_ns);
    runtime.block_on(task).expect("the woken task");
    (woken_ns.load(Ordering::Acquire) - start_ns) as f64 / 1e3
}

/// Up to a millisecond, so that the wakes do not keep step with the kernel's tick.
fn jitter_ns(random: &mut u64) -> i64 {
    *random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    ((*random >> 33) % 1000000) as i64
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((q * sorted.len() as f64) as usize).min(sorted.len() - 1)]
}

fn run_wake(bench: &Bench, workers: u32) {
    let n = bench.amount(1000, 100);
    let (runtime, threads) = start(workers);
    let mut random = bench.seed();
    let (mut p50, mut p99, mut cpu_us) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let mut at_ns = now_ns() + PERIOD_NS;
        pause_until_ns(at_ns);
        let cpu_ns = threads.cpu_ns();
        let mut latencies = Vec::new();
        for _ in 0..n {
            at_ns += PERIOD_NS;
            latencies.push(wake_us(&runtime, at_ns + jitter_ns(&mut random)));
        }
        cpu_us.push((threads.cpu_ns() - cpu_ns) as f64 / 1e3 / n as f64);
        latencies.sort_by(|a, b| a.partial_cmp(b).unwrap());
        p50.push(quantile(&latencies, 0.50));
        p99.push(quantile(&latencies, 0.99));
    }
    let figure = Figure { bench: None, impl_name: None, variant: "submit", workers, work: n as u64 };
    bench.report(figure, "latency p50", "us", &p50);
    bench.report(figure, "latency p99", "us", &p99);
    bench.report(figure, "CPU time per wake", "us", &cpu_us);
}

async fn fan_out() {
    let sleeps: Vec<_> =
        (0..BATCH).map(|i| tokio::spawn(tokio::time::sleep(Duration::from_micros(i as u64)))).collect();
    for sleep in sleeps {
        sleep.await.expect("a sleeper failed");
    }
}

/// The runtime has worked, slept and had timers before it is watched.
fn run_idle(bench: &Bench, workers: u32) {
    let seconds = bench.amount(10, 1);
    let (runtime, threads) = start(workers);
    let mut cpu_ms = Vec::new();
    for _ in 0..bench.rounds() {
        runtime.block_on(runtime.spawn(fan_out())).expect("the fan-out");
        pause_ns(500000000);
        let cpu_ns = threads.cpu_ns();
        pause_ns(seconds as i64 * 1000000000);
        cpu_ms.push((threads.cpu_ns() - cpu_ns) as f64 / 1e6);
    }
    let figure = Figure { bench: Some("idle"), impl_name: None, variant: "used pool", workers, work: seconds as u64 };
    bench.report(figure, &format!("CPU time in {} s", seconds), "ms", &cpu_ms);
}

fn feed(handle: &Handle, n_batches: usize) {
    for _ in 0..n_batches {
        let tasks: Vec<_> = (0..BATCH).map(|_| handle.spawn(async {})).collect();
        handle.block_on(async {
            for task in tasks {
                task.await.expect("a task failed");
            }
        });
    }
}

fn feed_round(runtime: &Runtime, n_threads: usize, n_batches: usize) -> i64 {
    let barrier = Barrier::new(n_threads + 1);
    thread::scope(|scope| {
        let feeders: Vec<_> = (0..n_threads)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    feed(runtime.handle(), n_batches);
                })
            })
            .collect();
        let start_ns = now_ns();
        barrier.wait();
        for feeder in feeders {
            feeder.join().expect("a feeder failed");
        }
        now_ns() - start_ns
    })
}

fn run_outside(bench: &Bench, workers: u32, n_threads: usize) {
    let n_batches = bench.amount(960, 96) / n_threads;
    let n_tasks = n_batches * n_threads * BATCH;
    let variant = format!("{} thread{}", n_threads, if n_threads == 1 { "" } else { "s" });
    let (runtime, _) = start(workers);
    let mut rate = Vec::new();
    feed_round(&runtime, n_threads, n_batches);
    for _ in 0..bench.rounds() {
        rate.push(n_tasks as f64 * 1e3 / feed_round(&runtime, n_threads, n_batches) as f64);
    }
    let figure = Figure { bench: Some("outside"), impl_name: None, variant: &variant, workers, work: n_tasks as u64 };
    bench.report(figure, "throughput", "M/s", &rate);
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["wake", "idle", "outside"], "2", 3);
    for &workers in bench.workers() {
        if bench.wants("wake") {
            run_wake(&bench, workers);
        }
        if bench.wants("idle") {
            run_idle(&bench, workers);
        }
        for n_threads in [1, 4, 16] {
            if bench.wants("outside") {
                run_outside(&bench, workers, n_threads);
            }
        }
    }
    bench.finish()
}
