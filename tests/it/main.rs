//! forge as its users have it: the program itself, run against git repositories, Go modules and folders made by each test.
//! `kit` makes them; each other file is about one part of what the documentation promises.

mod build;
mod deploy;
mod drivers;
mod edits;
mod expect;
mod gomod;
mod interrupt;
mod kit;
mod lock;
mod machine;
mod managed_go;
mod matrix;
mod matrix_blame;
mod matrix_compile;
mod new;
mod patches;
mod payload;
mod plan;
mod recipe;
mod released;
mod report;
mod series;
mod series_conflict;
mod series_edit;
mod series_exchange;
mod series_kinds;
mod series_rebase;
mod shell;
mod side_by_side;
mod sources;
mod targets;
mod trial;
mod workflows;
