//! Texts of others between tags and in attributes, and a template that is filled in once.

use crate::names::visible;

/// For text and for attributes in double quotes.
pub(super) fn escape(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Puts values in the places of `{{name}}`. What a value contains is not looked at again; a name without value stays.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let found = after.split_once("}}").and_then(|(name, after)| Some((values.iter().find(|(n, _)| *n == name)?.1, after)));
        rest = match found {
            Some((value, after)) => {
                out.push_str(value);
                after
            }
            None => {
                out.push_str("{{");
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// Base64, for the hashes of a content security policy.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            match at <= three.len() {
                true => out.push(char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize])),
                false => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_tag_or_leaves_an_attribute() {
        assert_eq!(
            escape("<a href=\"x\" title='y'>&\u{1b}\u{202e}"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;\\u{1b}\\u{202e}"
        );
    }

    #[test]
    fn values_are_not_templates() {
        let values = [("a", "{{b}}"), ("b", "B")];
        assert_eq!(fill("{{a}} {{b}} {{c}} {{", &values), "{{b}} B {{c}} {{");
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let known = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, encoded) in known {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
