//! The build key: a digest of everything that can change a binary.

use sha2::{Digest, Sha256 as Hasher};

use crate::names::Sha256;

/// Names one build among all. Same key, same bytes.
pub type BuildKey = Sha256;

/// Collects labelled fields into a digest. Every field is written with its length, so that no two lists of fields give the
/// same bytes.
#[derive(Debug, Clone)]
pub struct KeyBuilder(Hasher);

/// Changes whenever the same inputs may give other bytes than before.
const FORMAT: &str = "forge build key 1";

impl Default for KeyBuilder {
    fn default() -> Self {
        Self::new(FORMAT)
    }
}

impl KeyBuilder {
    /// Begins a digest of a kind.
    pub fn new(kind: &str) -> Self {
        Self(Hasher::new()).field("kind", kind.as_bytes())
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, label: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [label.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a list.
    #[must_use]
    pub fn list<T: AsRef<[u8]>>(mut self, label: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        self = self.field(label, (values.len() as u64).to_le_bytes());
        for value in values {
            self = self.field("", value);
        }
        self
    }

    /// The digest.
    pub fn finish(self) -> Sha256 {
        hex(&self.0.finalize())
    }
}

pub(crate) fn hex(digest: &[u8]) -> Sha256 {
    let text: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    Sha256::new(text).expect("a SHA-256 has 64 hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_never_run_together() {
        let a = KeyBuilder::default().field("a", "bc").finish();
        let b = KeyBuilder::default().field("ab", "c").finish();
        let c = KeyBuilder::default().list("a", ["bc", ""]).finish();
        let d = KeyBuilder::default().list("a", ["b", "c"]).finish();
        assert_eq!(std::collections::HashSet::from([&a, &b, &c, &d]).len(), 4);
    }
}
