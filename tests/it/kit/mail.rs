//! Series of patches.

/// A `series.toml` that lists these files in order.
pub(crate) fn series_toml(files: &[&str]) -> String {
    files.iter().map(|file| format!("[[patch]]\nfile = \"{file}\"\n")).collect()
}
