//! What a series says of itself: the comment at the beginning of its list, in paragraphs that begin with `Word:`.

/// Name and text of every paragraph; one without a name belongs to the one before.
pub fn sections(list: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let comment = list.lines().map_while(|line| line.strip_prefix('#')).map(str::trim_end);
    let mut fresh = true;
    for line in comment {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.is_empty() {
            fresh = true;
            continue;
        }
        match line.split_once(':').filter(|(name, _)| fresh && is_name(name)) {
            Some((name, rest)) => out.push((name.to_owned(), rest.trim().to_owned())),
            None => match out.last_mut() {
                Some((_, text)) => {
                    text.push_str(if fresh { "\n\n" } else { "\n" });
                    text.push_str(line);
                }
                None => out.push(("Title".to_owned(), line.to_owned())),
            },
        }
        fresh = false;
    }
    out
}

fn is_name(text: &str) -> bool {
    text.len() <= 30
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_with_a_name_are_told_apart() {
        let text = "# k0s: units elsewhere.\n#\n# What: a flag\n# that is: new.\n#\n# More of it.\n#\n# Known limits: none\n\n# no part\n[[patch]]\n";
        let expected =
            [("Title", "k0s: units elsewhere."), ("What", "a flag\nthat is: new.\n\nMore of it."), ("Known limits", "none")];
        assert_eq!(sections(text), expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert!(sections("[[patch]]\n# What: x\n").is_empty());
    }
}
