//! The support code of the benches in C (../../support), as the peers in Rust use it: options, figures, meters.
use std::ffi::CString;
use std::os::raw::{c_char, c_int, c_uint, c_void};
use std::ptr::null;

const MAX_WORKER_COUNTS: usize = 8;
const MAX_ROUNDS: usize = 99;
const MAX_THREADS: usize = 64;

#[repr(C)]
struct RawBench {
    name: *const c_char,
    impl_name: *const c_char,
    impl_variant: *const c_char,
    only: *const c_char,
    variants: *const *const c_char,
    workers: [c_uint; MAX_WORKER_COUNTS],
    n_worker_counts: c_uint,
    n_rounds: c_uint,
    is_quick: bool,
    seed: u64,
    text: *mut c_void,
    json: *mut c_void,
}

#[repr(C)]
struct RawProgram {
    name: *const c_char,
    impl_name: *const c_char,
    variants: *const *const c_char,
    workers: *const c_char,
    n_rounds: c_uint,
}

#[repr(C)]
struct RawSamples {
    n: c_uint,
    at: [f64; MAX_ROUNDS],
}

#[repr(C)]
struct RawFigure {
    bench: *const c_char,
    impl_name: *const c_char,
    variant: *const c_char,
    workers: c_uint,
    work: u64,
}

#[repr(C)]
struct RawThreads {
    n: c_uint,
    id: [c_int; MAX_THREADS],
}

#[link(name = "support", kind = "static")]
extern "C" {
    fn bench_init(b: *mut RawBench, program: *const RawProgram, argc: c_int, argv: *mut *mut c_char);
    fn bench_fini(b: *mut RawBench) -> c_int;
    fn bench_wants(b: *const RawBench, variant: *const c_char) -> bool;
    fn bench_add(samples: *mut RawSamples, value: f64);
    fn bench_report(
        b: *const RawBench,
        figure: *const RawFigure,
        metric: *const c_char,
        unit: *const c_char,
        samples: *const RawSamples,
    );
    fn bench_compute(n_steps: u64, start: u64) -> u64;
    fn bench_steps_for_ns(ns: u64) -> u64;
    fn bench_now_ns() -> i64;
    fn bench_pause_until_ns(deadline_ns: i64);
    fn bench_resident_bytes() -> usize;
    fn bench_back_memory(bytes: usize, advice: c_int);
    fn bench_threads_list(out: *mut RawThreads);
    fn bench_threads_new(out: *mut RawThreads, before: *const RawThreads, now: *const RawThreads);
    fn bench_threads_cpu_ns(threads: *const RawThreads) -> i64;
}

/// Never freed: names live as long as the program.
pub fn c_text(text: &str) -> *const c_char {
    CString::new(text).unwrap().into_raw()
}

/// The arguments as C has them, ended by NULL.
pub fn c_arguments(arguments: &[String]) -> Vec<*mut c_char> {
    let mut list: Vec<_> = arguments.iter().map(|word| c_text(word) as *mut c_char).collect();
    list.push(std::ptr::null_mut());
    list
}

/// One run of a bench: what to do, and where its figures go.
pub struct Bench {
    raw: Box<RawBench>,
}

/// What one line of figures is about. `bench` and `impl_name` are those of the program where they are None.
#[derive(Clone, Copy)]
pub struct Figure<'a> {
    pub bench: Option<&'a str>,
    pub impl_name: Option<&'a str>,
    pub variant: &'a str,
    pub workers: u32,
    pub work: u64,
}

impl Bench {
    /// `arguments`: the program's, from the name of the bench on.
    pub fn new(impl_name: &str, arguments: &[String], variants: &[&str], workers: &str, rounds: u32) -> Bench {
        let mut names: Vec<_> = variants.iter().map(|name| c_text(name)).collect();
        names.push(null());
        let program = RawProgram {
            name: c_text(&arguments[0]),
            impl_name: c_text(impl_name),
            variants: Box::leak(names.into_boxed_slice()).as_ptr(),
            workers: c_text(workers),
            n_rounds: rounds,
        };
        let mut argv = c_arguments(arguments);
        let mut raw: Box<RawBench> = Box::new(unsafe { std::mem::zeroed() });
        unsafe { bench_init(&mut *raw, &program, arguments.len() as c_int, argv.as_mut_ptr()) };
        std::mem::forget(argv); // options point into it
        Bench { raw }
    }

    pub fn wants(&self, variant: &str) -> bool {
        unsafe { bench_wants(&*self.raw, c_text(variant)) }
    }

    pub fn workers(&self) -> &[u32] {
        &self.raw.workers[..self.raw.n_worker_counts as usize]
    }

    pub fn rounds(&self) -> u32 {
        self.raw.n_rounds
    }

    pub fn is_quick(&self) -> bool {
        self.raw.is_quick
    }

    pub fn amount(&self, full: usize, quick: usize) -> usize {
        if self.is_quick() {
            quick
        } else {
            full
        }
    }

    pub fn seed(&self) -> u64 {
        self.raw.seed
    }

    pub fn report(&self, figure: Figure, metric: &str, unit: &str, samples: &[f64]) {
        let mut raw = RawSamples { n: 0, at: [0.0; MAX_ROUNDS] };
        let words = RawFigure {
            bench: figure.bench.map_or(null(), c_text),
            impl_name: figure.impl_name.map_or(null(), c_text),
            variant: c_text(figure.variant),
            workers: figure.workers,
            work: figure.work,
        };
        for &sample in samples {
            unsafe { bench_add(&mut raw, sample) };
        }
        unsafe { bench_report(&*self.raw, &words, c_text(metric), c_text(unit), &raw) };
    }

    pub fn finish(mut self) -> i32 {
        unsafe { bench_fini(&mut *self.raw) }
    }
}

pub fn compute(n_steps: u64) {
    unsafe { bench_compute(n_steps, 1) };
}

pub fn steps_for_ns(ns: u64) -> u64 {
    unsafe { bench_steps_for_ns(ns) }
}

pub fn now_ns() -> i64 {
    unsafe { bench_now_ns() }
}

pub fn pause_until_ns(deadline_ns: i64) {
    unsafe { bench_pause_until_ns(deadline_ns) }
}

pub fn pause_ns(ns: i64) {
    pause_until_ns(now_ns() + ns)
}

pub fn resident_bytes() -> f64 {
    unsafe { bench_resident_bytes() as f64 }
}

/// Touch as much memory once, so that the host has it: see ../../../support/meter.h.
pub fn back_memory(bytes: usize) {
    const MADV_NOHUGEPAGE: c_int = 15;
    unsafe { bench_back_memory(bytes, MADV_NOHUGEPAGE) }
}

pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}

/// Threads of this process, as the kernel numbers them.
pub struct Threads(RawThreads);

impl Threads {
    pub fn all() -> Threads {
        let mut threads = Threads(RawThreads { n: 0, id: [0; MAX_THREADS] });
        unsafe { bench_threads_list(&mut threads.0) };
        threads
    }

    /// Those that were started since.
    pub fn started_since(before: &Threads) -> Threads {
        let mut threads = Threads::all();
        let now = Threads::all();
        unsafe { bench_threads_new(&mut threads.0, &before.0, &now.0) };
        threads
    }

    pub fn count(&self) -> u32 {
        self.0.n
    }

    pub fn cpu_ns(&self) -> i64 {
        unsafe { bench_threads_cpu_ns(&self.0) }
    }
}
