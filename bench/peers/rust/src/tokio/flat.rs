//! flat: tasks spawned by one, which then awaits the handle of each; in batches of 10,000, or all alive at once.
use crate::runtime::{timed, Flavour};
use support::{compute, median, steps_for_ns, Bench};
use tokio::task::JoinHandle;

const BATCH: usize = 10000;

struct Shape {
    variant: &'static str,
    n_tasks: usize,
    n_tasks_quick: usize,
    batch: Option<usize>, // None: all at once
    body_ns: u64,
}

const SHAPES: [Shape; 4] = [
    Shape { variant: "batch", n_tasks: 2000000, n_tasks_quick: 200000, batch: Some(BATCH), body_ns: 0 },
    Shape { variant: "alive", n_tasks: 10000000, n_tasks_quick: 100000, batch: None, body_ns: 0 },
    Shape { variant: "batch-200ns", n_tasks: 2000000, n_tasks_quick: 100000, batch: Some(BATCH), body_ns: 200 },
    Shape { variant: "batch-1us", n_tasks: 500000, n_tasks_quick: 30000, batch: Some(BATCH), body_ns: 1000 },
];

async fn body(n_steps: u64) {
    if n_steps > 0 {
        compute(n_steps);
    }
}

async fn produce(n_tasks: usize, batch: usize, n_steps: u64) {
    let mut handles: Vec<JoinHandle<()>> = Vec::with_capacity(batch);
    for _ in 0..n_tasks / batch {
        for _ in 0..batch {
            handles.push(tokio::spawn(body(n_steps)));
        }
        for handle in handles.drain(..) {
            handle.await.expect("a task failed");
        }
    }
}

fn run_shape(bench: &Bench, shape: &Shape) {
    let n = bench.amount(shape.n_tasks, shape.n_tasks_quick);
    let batch = shape.batch.unwrap_or(n);
    let n_steps = if shape.body_ns > 0 { steps_for_ns(shape.body_ns) } else { 0 };
    let mut ns_on_one = 0.0;
    let mut is_first = true;
    for flavour in Flavour::all(bench) {
        let runtime = flavour.start();
        let figure = flavour.figure(shape.variant, n);
        let round = || flavour.run(&runtime, timed(produce(n, batch, n_steps))) as f64 / n as f64;
        let cold = round();
        let samples: Vec<f64> = (0..bench.rounds()).map(|_| round()).collect();
        if shape.batch.is_none() && is_first {
            bench.report(figure, "time per task, cold", "ns", &[cold]); // the next ones find the memory warm
        }
        is_first = false;
        bench.report(figure, "time per task", "ns", &samples);
        if flavour.workers == 1 && flavour.impl_name.is_none() {
            ns_on_one = median(&samples);
        } else if flavour.workers > 1 && shape.batch.is_some() && ns_on_one > 0.0 {
            bench.report(figure, "speed-up over 1 worker", "x", &[ns_on_one / median(&samples)]);
        }
    }
}

pub fn main(arguments: &[String]) -> i32 {
    let variants: Vec<&str> = SHAPES.iter().map(|shape| shape.variant).collect();
    let bench = Bench::new("tokio", arguments, &variants, "1,2", 5);
    for shape in &SHAPES {
        if bench.wants(shape.variant) {
            run_shape(&bench, shape);
        }
    }
    bench.finish()
}
