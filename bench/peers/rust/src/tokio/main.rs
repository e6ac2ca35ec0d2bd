//! The benches that make sense for tokio: tokio-peer NAME [options].
mod cancel;
mod fanout;
mod first;
mod flat;
mod group;
mod runtime;
mod sleepers;
mod suspend;
mod timeouts;
mod wake;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let bench: fn(&[String]) -> i32 = match arguments.first().map_or("", |name| name) {
        "cancel" => cancel::main,
        "fanout" => fanout::main,
        "first" => first::main,
        "flat" => flat::main,
        "group" => group::main,
        "sleepers" => sleepers::main,
        "suspend" => suspend::main,
        "timeouts" => timeouts::main,
        "wake" => wake::main,
        _ => {
            eprintln!("usage: tokio-peer NAME [options]; main.rs has the names");
            std::process::exit(2);
        }
    };
    std::process::exit(bench(&arguments));
}
