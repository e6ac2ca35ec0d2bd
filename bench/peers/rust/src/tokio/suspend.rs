//! suspend: two tasks that take turns, over oneshot channels made afresh each turn (promise), or by yield_now (yield).
use crate::runtime::{time_per_unit, timed};
use support::Bench;
use tokio::sync::oneshot::{channel, Receiver, Sender};
use tokio::task::yield_now;

/// Each side sends the other where to answer.
struct Ping(Sender<Pong>);
struct Pong(Sender<Ping>);

async fn pong_side(mut from: Receiver<Ping>, n: usize) {
    for _ in 0..n {
        let Ping(answer) = from.await.expect("no turn came");
        let (to, next) = channel();
        from = next;
        assert!(answer.send(Pong(to)).is_ok());
    }
}

async fn promise(n: usize) {
    let (mut to, from) = channel();
    let other = tokio::spawn(pong_side(from, n));
    for _ in 0..n {
        let (answer, theirs) = channel();
        assert!(to.send(Ping(answer)).is_ok());
        let Pong(next) = theirs.await.expect("no turn came");
        to = next;
    }
    other.await.expect("the other side failed");
}

async fn yield_side(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

async fn yield_pair(n: usize) {
    let both = [tokio::spawn(yield_side(n)), tokio::spawn(yield_side(n))];
    for side in both {
        side.await.expect("a side failed");
    }
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["promise", "yield"], "1,2", 5);
    let n = bench.amount(1000000, 100000);
    time_per_unit(&bench, "promise", n, "time per round trip", |n| timed(promise(n)));
    time_per_unit(&bench, "yield", n, "time per round trip", |n| timed(yield_pair(n)));
    bench.finish()
}
