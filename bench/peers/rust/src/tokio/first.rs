//! first: a thousand tasks end one after the other, each when it is told, and each time one task waits for the first to
//! end: by select_all over the handles that are left (wait), or by a JoinSet (queue).
use crate::runtime::time_per_unit;
use futures_util::future::select_all;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use support::{now_ns, Bench};
use tokio::sync::oneshot::{channel, Receiver, Sender};
use tokio::task::{unconstrained, yield_now, JoinSet};

const N: usize = 1000;
const STRIDE: usize = 619;

type Go = Option<Sender<()>>;

async fn follower(i: usize, go: Receiver<()>, n_ready: Arc<AtomicUsize>) -> usize {
    n_ready.fetch_add(1, Ordering::Relaxed);
    go.await.expect("nobody told it");
    i
}

fn followers(n_ready: &Arc<AtomicUsize>) -> (Vec<Go>, Vec<impl std::future::Future<Output = usize>>) {
    (0..N)
        .map(|i| {
            let (go, told) = channel();
            (Some(go), follower(i, told, n_ready.clone()))
        })
        .unzip()
}

async fn until_ready(n_ready: &AtomicUsize) {
    while n_ready.load(Ordering::Relaxed) < N {
        yield_now().await;
    }
}

/// Tell the one whose turn it is.
fn tell(go: &mut [Go], turn: usize) -> usize {
    let i = turn * STRIDE % N;
    go[i].take().unwrap().send(()).expect("nobody listens");
    i
}

async fn wait_once() -> i64 {
    let n_ready = Arc::new(AtomicUsize::new(0));
    let (mut go, bodies) = followers(&n_ready);
    let mut left: Vec<_> = bodies.into_iter().map(tokio::spawn).collect();
    until_ready(&n_ready).await;
    let start_ns = now_ns();
    for turn in 0..N {
        let i = tell(&mut go, turn);
        let (ended, _, rest) = select_all(left).await;
        assert!(ended.expect("a task failed") == i, "another one ended");
        left = rest;
    }
    now_ns() - start_ns
}

async fn queue_once() -> i64 {
    let n_ready = Arc::new(AtomicUsize::new(0));
    let (mut go, bodies) = followers(&n_ready);
    let mut set = JoinSet::new();
    for body in bodies {
        set.spawn(body);
    }
    until_ready(&n_ready).await;
    let start_ns = now_ns();
    for turn in 0..N {
        let i = tell(&mut go, turn);
        let ended = set.join_next().await.expect("none is left");
        assert!(ended.expect("a task failed") == i, "another one ended");
    }
    now_ns() - start_ns
}

/// Unconstrained: a task that has polled 128 handles would be told to give way, and then begin with the same ones.
async fn wait(n: usize) -> i64 {
    let mut ns = 0;
    for _ in 0..n / N {
        ns += unconstrained(wait_once()).await;
    }
    ns
}

async fn queue(n: usize) -> i64 {
    let mut ns = 0;
    for _ in 0..n / N {
        ns += queue_once().await;
    }
    ns
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["wait", "queue"], "1,2", 5);
    let n = bench.amount(20 * N, 2 * N);
    time_per_unit(&bench, "wait", n, "time per wait", wait);
    time_per_unit(&bench, "queue", n, "time per wait", queue);
    bench.finish()
}
