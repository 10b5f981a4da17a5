//! Texts of others, made fit to be shown.

/// The first of many names, made visible, and how many more there are.
pub fn few(names: &[String], most: usize) -> Vec<String> {
    let mut out: Vec<String> = names.iter().take(most).map(|name| visible(name)).collect();
    if names.len() > most {
        out.push(format!("and {} more", names.len() - most));
    }
    out
}

/// The text with control characters (also Unicode's bidirectional ones) made visible, so that nothing that a child, a tag
/// or a subject contains can move the cursor or reorder a line. Tab and newline stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c as u32, 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069) => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// The nearest of `known` to `given`, where one is near enough to be what was meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&given.to_lowercase(), &k.to_lowercase()), k))
        .filter(|(distance, k)| *distance <= 1 + given.len().max(k.len()) / 4 || k.starts_with(given) && !given.is_empty())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printable_becomes_visible() {
        assert_eq!(visible("a\x1b[31mb\r\u{202e}c\n"), "a\\u{1b}[31mb\\u{d}\\u{202e}c\n");
    }

    #[test]
    fn a_typing_error_finds_its_word() {
        assert_eq!(nearest("nixso", ["stock", "nixos", "demo"]), Some("nixos"));
        assert_eq!(nearest("zzzzzz", ["stock", "nixos"]), None);
    }
}
