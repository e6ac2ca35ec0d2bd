//! group: one JoinSet of 100,000 tasks that do nothing; and groups in groups, five tasks each, six levels. The first
//! error aborts the others, as a task group's does.
use crate::runtime::{time_per_unit, timed};
use std::future::Future;
use std::pin::Pin;
use support::Bench;
use tokio::task::JoinSet;

const FAN: usize = 5;
const LEVELS: usize = 6;
const N_TREE: usize = 19531;

type Outcome = Result<(), i32>;

async fn end(mut group: JoinSet<Outcome>) -> Outcome {
    let mut outcome = Ok(());
    while let Some(result) = group.join_next().await {
        if let (Ok(Err(error)), Ok(())) = (result, outcome) {
            outcome = Err(error);
            group.abort_all();
        }
    }
    outcome
}

async fn empty() -> Outcome {
    Ok(())
}

async fn children(n: usize) {
    let mut group = JoinSet::new();
    for _ in 0..n {
        group.spawn(empty());
    }
    end(group).await.expect("a child failed");
}

fn branch(level: usize) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        if level == 0 {
            return Ok(());
        }
        let mut group = JoinSet::new();
        for _ in 0..FAN {
            group.spawn(branch(level - 1));
        }
        end(group).await
    })
}

async fn tree() {
    branch(LEVELS).await.expect("a child failed");
}

pub fn main(arguments: &[String]) -> i32 {
    let bench = Bench::new("tokio", arguments, &["children", "tree"], "1,2", 5);
    time_per_unit(&bench, "children", 100000, "time per task", |n| timed(children(n)));
    time_per_unit(&bench, "tree", N_TREE, "time per task", |_| timed(tree()));
    bench.finish()
}
