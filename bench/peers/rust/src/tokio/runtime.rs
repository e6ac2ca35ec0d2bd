//! What a bench runs on, and its rounds. The multi-threaded runtime on each number of workers, and on one thread also
//! the current-thread runtime ("tokio:current"), which is made for that.
use futures_util::future::poll_fn;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use support::{now_ns, Bench, Figure};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Sleep;

pub struct Flavour {
    pub impl_name: Option<&'static str>, // None: the program's
    pub workers: u32,
}

impl Flavour {
    pub fn all(bench: &Bench) -> Vec<Flavour> {
        let mut list = Vec::new();
        for &workers in bench.workers() {
            list.push(Flavour { impl_name: None, workers });
            if workers == 1 {
                list.push(Flavour { impl_name: Some("tokio:current"), workers });
            }
        }
        list
    }

    fn is_current(&self) -> bool {
        self.impl_name.is_some()
    }

    pub fn start(&self) -> Runtime {
        let mut builder = if self.is_current() { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        builder.worker_threads(self.workers as usize).enable_time().build().expect("no runtime")
    }

    /// Run a future as a task of the runtime, not on the thread that waits for it.
    pub fn run<F>(&self, runtime: &Runtime, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if self.is_current() {
            return runtime.block_on(future);
        }
        runtime.block_on(runtime.spawn(future)).expect("the measuring task failed")
    }

    pub fn figure<'a>(&self, variant: &'a str, work: usize) -> Figure<'a> {
        Figure { bench: None, impl_name: self.impl_name, variant, workers: self.workers, work: work as u64 }
    }
}

/// A warm-up round and the measured ones, on each flavour. `round(n)` does n units and gives the nanoseconds.
pub fn time_per_unit<R, F>(bench: &Bench, variant: &str, n: usize, metric: &str, round: R)
where
    R: Fn(usize) -> F,
    F: Future<Output = i64> + Send + 'static,
{
    if !bench.wants(variant) {
        return;
    }
    for flavour in Flavour::all(bench) {
        let runtime = flavour.start();
        let mut samples = Vec::new();
        flavour.run(&runtime, round(n));
        for _ in 0..bench.rounds() {
            samples.push(flavour.run(&runtime, round(n)) as f64 / n as f64);
        }
        bench.report(flavour.figure(variant, n), metric, "ns", &samples);
    }
}

/// The nanoseconds that a future takes.
pub async fn timed<F: Future<Output = ()>>(future: F) -> i64 {
    let start_ns = now_ns();
    future.await;
    now_ns() - start_ns
}

/// Poll a timer once, so that it is armed.
pub async fn arm(mut timer: Pin<&mut Sleep>) {
    poll_fn(|context| {
        assert!(timer.as_mut().poll(context).is_pending(), "a timer is over too soon");
        Poll::Ready(())
    })
    .await;
}
