//! The fork-join problems on rayon: recursions by join(), loops by parallel iterators. The frame of rounds, the data,
//! the checks and the kernels that are functions of their own are those of the peers in C (../../support/kernels).
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::os::raw::{c_char, c_int, c_uint, c_void};
use std::ptr::null;
use support::{c_arguments, c_text};

const QUEENS_MAX: usize = 16;
const SKYNET_FAN: u64 = 10;
const QUICKSORT_SMALL: usize = 32;
const MATMUL_TILE: usize = 64;
const CHUNK: usize = 65536;
const REDUCE_BLOCK: usize = 4096;

/// struct bench_problem: known by its address.
#[repr(C)]
struct Problem([u8; 0]);

#[repr(C)]
struct Solver {
    problem: *const Problem,
    variant: *const c_char,
    solve: Option<unsafe extern "C" fn(*mut c_void)>,
    amount: c_uint,
}

#[repr(C)]
struct Solution {
    impl_name: *const c_char,
    workers: *const c_char,
    start: unsafe extern "C" fn(*const c_void, c_uint) -> *mut c_void,
    run: unsafe extern "C" fn(*mut c_void, unsafe extern "C" fn(*mut c_void), *mut c_void),
    stop: unsafe extern "C" fn(*mut c_void),
    solvers: *const Solver,
}

// The states of the problems, as in ../../support/kernels/problems.h.

/// A number that says how much, and room for the result.
#[repr(C)]
struct Small<N> {
    n: N,
    result: u64,
}

#[repr(C)]
struct UtsNode {
    state: [u8; 20],
    height: c_uint,
}

#[repr(C)]
struct Quicksort {
    data: *mut i32,
    n: usize,
    seed: u64,
    sum: u64,
}

#[repr(C)]
struct Mandelbrot {
    n: usize,
    iterations: *mut u16,
}

#[repr(C)]
struct Matmul {
    n: usize,
    a: *mut f32,
    b: *mut f32,
    c: *mut f32,
}

#[repr(C)]
struct Heat {
    n: usize,
    n_steps: c_uint,
    from: *mut f64,
    to: *mut f64,
}

#[repr(C)]
struct ForLoop {
    data: *mut u32,
    n: usize,
}

#[repr(C)]
struct Reduce {
    data: *mut f64,
    n: usize,
    result: f64,
}

// Each row or tile is written by one call only.
unsafe impl Sync for Mandelbrot {}
unsafe impl Sync for Matmul {}
unsafe impl Sync for Heat {}

extern "C" {
    static fib_problem: Problem;
    static queens_problem: Problem;
    static skynet_problem: Problem;
    static uts_problem: Problem;
    static quicksort_problem: Problem;
    static mandelbrot_problem: Problem;
    static matmul_problem: Problem;
    static heat_problem: Problem;
    static for_problem: Problem;
    static reduce_problem: Problem;

    fn bench_solve_named(solution: *const Solution, argc: c_int, argv: *mut *mut c_char) -> c_int;
    fn uts_root(root: *mut UtsNode);
    fn uts_n_children(p: *const Small<c_uint>, node: *const UtsNode) -> c_uint;
    fn uts_child(parent: *const UtsNode, i: c_uint, child: *mut UtsNode);
    fn quicksort_small(data: *mut i32, n: usize);
    fn quicksort_partition(data: *mut i32, n: usize) -> usize;
    fn mandelbrot_row(p: *const Mandelbrot, row: usize);
    fn matmul_tile(p: *const Matmul, tile: usize);
    fn heat_row(p: *const Heat, row: usize);
    fn reduce_sum(data: *const f64, n: usize) -> f64;
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return n as u64;
    }
    let (a, b) = rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

unsafe extern "C" fn fib_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Small<c_uint>);
    p.result = fib(p.n);
}

fn queens_fit(columns: &[i8], column: i32) -> bool {
    columns.iter().enumerate().all(|(i, &other)| {
        let distance = (columns.len() - i) as i32;
        let other = other as i32;
        other != column && other != column - distance && other != column + distance
    })
}

/// Place a queen below `above`, in each of these columns.
fn queens_place(above: &[i8], columns: &[i8], n: usize) -> u64 {
    match columns {
        [] => 0,
        [column] => {
            let mut board = [0; QUEENS_MAX];
            board[..above.len()].copy_from_slice(above);
            board[above.len()] = *column;
            queens(&board[..above.len() + 1], n)
        }
        _ => {
            let (left, right) = columns.split_at(columns.len() / 2);
            let (a, b) = rayon::join(|| queens_place(above, left, n), || queens_place(above, right, n));
            a + b
        }
    }
}

fn queens(above: &[i8], n: usize) -> u64 {
    if above.len() == n {
        return 1;
    }
    let mut columns = [0; QUEENS_MAX];
    let mut n_columns = 0;
    for column in 0..n as i8 {
        if queens_fit(above, column as i32) {
            columns[n_columns] = column;
            n_columns += 1;
        }
    }
    queens_place(above, &columns[..n_columns], n)
}

unsafe extern "C" fn queens_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Small<c_uint>);
    p.result = queens(&[], p.n as usize);
}

/// The sum of `n` neighbours, each of so many leaves.
fn skynet_neighbours(ordinal: u64, n: u64, n_leaves: u64) -> u64 {
    if n == 1 {
        return skynet(ordinal, n_leaves);
    }
    let half = n / 2;
    let (a, b) = rayon::join(
        || skynet_neighbours(ordinal, half, n_leaves),
        || skynet_neighbours(ordinal + half * n_leaves, n - half, n_leaves),
    );
    a + b
}

fn skynet(ordinal: u64, n_leaves: u64) -> u64 {
    if n_leaves == 1 {
        return ordinal;
    }
    skynet_neighbours(ordinal, SKYNET_FAN, n_leaves / SKYNET_FAN)
}

unsafe extern "C" fn skynet_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Small<u64>);
    p.result = skynet(0, p.n);
}

/// The nodes below children `first` to `end` - 1.
fn uts_children(p: &Small<c_uint>, node: &UtsNode, first: c_uint, end: c_uint) -> u64 {
    if end - first == 1 {
        let mut child = UtsNode { state: [0; 20], height: 0 };
        unsafe { uts_child(node, first, &mut child) };
        return uts(p, &child);
    }
    let middle = first + (end - first) / 2;
    let (a, b) = rayon::join(|| uts_children(p, node, first, middle), || uts_children(p, node, middle, end));
    a + b
}

fn uts(p: &Small<c_uint>, node: &UtsNode) -> u64 {
    match unsafe { uts_n_children(p, node) } {
        0 => 1,
        n => 1 + uts_children(p, node, 0, n),
    }
}

unsafe extern "C" fn uts_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Small<c_uint>);
    let mut root = UtsNode { state: [0; 20], height: 0 };
    uts_root(&mut root);
    p.result = uts(p, &root);
}

fn quicksort(data: &mut [i32]) {
    if data.len() <= QUICKSORT_SMALL {
        unsafe { quicksort_small(data.as_mut_ptr(), data.len()) };
        return;
    }
    let n_low = unsafe { quicksort_partition(data.as_mut_ptr(), data.len()) };
    let (low, high) = data.split_at_mut(n_low);
    rayon::join(|| quicksort(low), || quicksort(high));
}

unsafe extern "C" fn quicksort_solve(state: *mut c_void) {
    let p = &*(state as *const Quicksort);
    quicksort(std::slice::from_raw_parts_mut(p.data, p.n));
}

unsafe extern "C" fn mandelbrot_solve(state: *mut c_void) {
    let p = &*(state as *const Mandelbrot);
    (0..p.n).into_par_iter().for_each(|row| mandelbrot_row(p, row));
}

unsafe extern "C" fn matmul_solve(state: *mut c_void) {
    let p = &*(state as *const Matmul);
    let n_each = p.n / MATMUL_TILE;
    (0..n_each * n_each).into_par_iter().for_each(|tile| matmul_tile(p, tile));
}

unsafe extern "C" fn heat_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Heat);
    for _ in 0..p.n_steps {
        let here = &*p;
        (1..here.n - 1).into_par_iter().for_each(|row| heat_row(here, row));
        std::mem::swap(&mut p.from, &mut p.to);
    }
}

fn for_value(x: u32) -> u32 {
    x.wrapping_mul(3).wrapping_add(1)
}

unsafe extern "C" fn for_chunk_solve(state: *mut c_void) {
    let p = &*(state as *const ForLoop);
    std::slice::from_raw_parts_mut(p.data, p.n).par_chunks_mut(CHUNK).for_each(|chunk| {
        for x in chunk {
            *x = for_value(*x);
        }
    });
}

unsafe extern "C" fn for_index_solve(state: *mut c_void) {
    let p = &*(state as *const ForLoop);
    std::slice::from_raw_parts_mut(p.data, p.n).par_iter_mut().for_each(|x| *x = for_value(*x));
}

unsafe extern "C" fn reduce_solve(state: *mut c_void) {
    let p = &mut *(state as *mut Reduce);
    let blocks = std::slice::from_raw_parts(p.data, p.n).par_chunks(REDUCE_BLOCK);
    p.result = blocks.map(|block| reduce_sum(block.as_ptr(), block.len())).sum();
}

unsafe extern "C" fn start(_: *const c_void, n_workers: c_uint) -> *mut c_void {
    let pool = ThreadPoolBuilder::new().num_threads(n_workers as usize).build().expect("no pool");
    Box::into_raw(Box::new(pool)) as *mut c_void
}

unsafe extern "C" fn run(pool: *mut c_void, call: unsafe extern "C" fn(*mut c_void), arg: *mut c_void) {
    let arg = arg as usize; // to another thread
    (*(pool as *const ThreadPool)).install(|| call(arg as *mut c_void));
}

unsafe extern "C" fn stop(pool: *mut c_void) {
    drop(Box::from_raw(pool as *mut ThreadPool));
}

fn main() {
    let solver = |problem: *const Problem, variant: Option<&str>, solve: unsafe extern "C" fn(*mut c_void)| Solver {
        problem,
        variant: variant.map_or(null(), c_text),
        solve: Some(solve),
        amount: 0,
    };
    let solvers = unsafe {
        [
            solver(&fib_problem, Some("typed"), fib_solve),
            solver(&queens_problem, None, queens_solve),
            solver(&skynet_problem, None, skynet_solve),
            solver(&uts_problem, None, uts_solve),
            solver(&quicksort_problem, None, quicksort_solve),
            solver(&mandelbrot_problem, None, mandelbrot_solve),
            solver(&matmul_problem, None, matmul_solve),
            solver(&heat_problem, None, heat_solve),
            solver(&for_problem, Some("chunk"), for_chunk_solve),
            solver(&for_problem, Some("index"), for_index_solve),
            solver(&reduce_problem, None, reduce_solve),
            Solver { problem: null(), variant: null(), solve: None, amount: 0 },
        ]
    };
    let solution =
        Solution { impl_name: c_text("rayon"), workers: c_text("1,2"), start, run, stop, solvers: solvers.as_ptr() };
    let arguments: Vec<String> = std::env::args().collect();
    let mut argv = c_arguments(&arguments);
    std::process::exit(unsafe { bench_solve_named(&solution, arguments.len() as c_int, argv.as_mut_ptr()) });
}
