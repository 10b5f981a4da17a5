//! The figures that forge promises, whole processes, forge and its rival in turn in one run:
//!
//!     cargo bench --bench figures [noop] [overhead] [patches] [fetch] [matrix] [graft] [series] [deploy]
//!
//! `FORGE_BENCH_STORE` is a store in which `forge build k0sctl --recipe stock` and `forge build --recipe nixos` were run; it adds
//! k0sctl to `noop` and `overhead`, and nixos to `deploy`. `FORGE_BENCH_K0S` is a bare clone of k0s; it adds k0s to `fetch`, `matrix` and `series`. `FORGE_BENCH_PROJECT` is a folder
//! with `recipes` and `patches` for k0s, where not this repository. `ROUNDS` is how often things are measured.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark runs programs, reads its own settings and prints; none of it is part of forge"
)]

mod child;
mod deploy;
mod fetch;
mod go_project;
mod graft;
mod matrix;
mod matrix_upstream;
mod noop;
mod overhead;
mod patches;
mod project;
mod series;
mod server;
mod table;

use table::Table;

/// Measures something and adds its lines.
type Figure = fn(&mut Table);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if args.first().is_some_and(|a| a == child::PEAK) {
        return child::peak_of(&args[1..]);
    }
    if args.first().is_some_and(|a| a == graft::ALONE) {
        return graft::alone(&args[1..]);
    }
    let figures: [(&str, Figure); 8] = [
        ("noop", noop::run),
        ("overhead", overhead::run),
        ("patches", patches::run),
        ("fetch", fetch::run),
        ("matrix", matrix::run),
        ("graft", graft::run),
        ("series", series::run),
        ("deploy", deploy::run),
    ];
    if let Some(unknown) = args.iter().find(|a| !figures.iter().any(|(name, _)| name == a)) {
        panic!("there is no figure {unknown}; there are noop, overhead, patches, fetch, matrix, graft, series and deploy");
    }
    let mut table = Table::default();
    for (name, run) in figures {
        if args.is_empty() || args.iter().any(|a| a == name) {
            eprintln!("{name} ...");
            run(&mut table);
        }
    }
    print!("{table}");
}
