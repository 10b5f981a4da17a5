//! Recipes: as written (`raw`), as meant ([`model`]), and the way from one to the other with every error of a file at once.

pub mod model;
