//! Go's tokens. Patterns are only lexed, and files are lexed by the same code, so that both sides are cut alike whatever
//! the parser does.
//!
//! Two things are left out of a file's tokens as layout: semicolons that only end a statement or a declaration (a line break
//! does the same), and a comma before a closing bracket (it is there when the bracket stands on the next line).

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Word,
    /// A number.
    Number,
    /// `"..."`.
    String,
    /// `` `...` ``.
    Raw,
    /// `'...'`.
    Rune,
    /// An operator or bracket.
    Punct,
    /// `$X`; the range is without the `$`.
    Meta,
    /// `$$$` or `$$$X`; the range is without the `$$$`.
    Rest,
}

/// One token and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A text cut into tokens.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Range<usize>>,
    /// Where a string, rune or comment begins that does not end, or a `$` stands that names nothing.
    pub(crate) broken: Option<usize>,
}

/// Longest first.
const OPERATORS: &[&[u8]] = &[
    b"<<=", b">>=", b"&^=", b"...", b"&&", b"||", b"<-", b"++", b"--", b"==", b"!=", b"<=", b">=", b":=", b"+=", b"-=", b"*=",
    b"/=", b"%=", b"&=", b"|=", b"^=", b"<<", b">>", b"&^",
];

/// Cuts `text` into tokens; `$` begins a metavariable where `meta` is set. Any bytes have some tokens.
pub(crate) fn lex(text: &[u8], meta: bool) -> Lexed {
    let mut out = Lexed::default();
    let mut at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let (kind, len) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'/' if rest.starts_with(b"//") => {
                let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let len = len - usize::from(rest[..len].ends_with(b"\r"));
                out.comments.push(at..at + len);
                at += len;
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                let len = memchr::memmem::find(&rest[2..], b"*/").map(|end| end + 4);
                if len.is_none() {
                    out.broken.get_or_insert(at);
                }
                let len = len.unwrap_or(rest.len());
                out.comments.push(at..at + len);
                at += len;
                continue;
            }
            b'$' if meta => {
                let rests = rest.starts_with(b"$$$");
                let skip = if rests { 3 } else { 1 };
                let name = rest[skip..].iter().take_while(|b| is_word(**b)).count();
                if name == 0 && !rests || rest[skip..].first().is_some_and(|b| b.is_ascii_digit() || *b == b'$') {
                    out.broken.get_or_insert(at);
                }
                let kind = if rests { Kind::Rest } else { Kind::Meta };
                out.tokens.push(Token { kind, start: at + skip, end: at + skip + name });
                at += skip + name;
                continue;
            }
            b'`' => {
                let end = memchr::memchr(b'`', &rest[1..]).map(|end| end + 2);
                if end.is_none() {
                    out.broken.get_or_insert(at);
                }
                (Kind::Raw, end.unwrap_or(rest.len()))
            }
            b'"' | b'\'' => {
                let (len, closed) = quoted(rest, byte);
                if !closed {
                    out.broken.get_or_insert(at);
                }
                (if byte == b'"' { Kind::String } else { Kind::Rune }, len)
            }
            b'0'..=b'9' => (Kind::Number, number(rest)),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => (Kind::Number, number(rest)),
            _ if is_word(byte) => (Kind::Word, rest.iter().take_while(|b| is_word(**b)).count()),
            _ => (Kind::Punct, OPERATORS.iter().find(|op| rest.starts_with(op)).map_or(1, |op| op.len())),
        };
        out.tokens.push(Token { kind, start: at, end: at + len });
        at += len;
    }
    out
}

/// Bytes of identifiers; of everything beyond ASCII, Go allows only letters and digits outside strings.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of a literal in `quote`, and whether it ends on its line.
fn quoted(text: &[u8], quote: u8) -> (usize, bool) {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' => return (at, false),
            b'\\' if text.get(at + 1).is_some_and(|b| *b != b'\n') => at += 2,
            _ if byte == quote => return (at + 1, true),
            _ => at += 1,
        }
    }
    (text.len(), false)
}

fn number(text: &[u8]) -> usize {
    let hex = text.len() > 1 && text[0] == b'0' && matches!(text[1], b'x' | b'X');
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let exponent = if hex { matches!(byte, b'p' | b'P') } else { matches!(byte, b'e' | b'E') };
        if exponent && matches!(text.get(at + 1), Some(b'+' | b'-')) {
            at += 2;
        } else if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' && text.get(at + 1) != Some(&b'.') {
            at += 1;
        } else {
            break;
        }
    }
    at.max(1)
}

/// Takes out commas that only a line break before the closing bracket asks for.
pub(crate) fn drop_trailing_commas(text: &[u8], tokens: &mut Vec<Token>) {
    let closing = |t: &Token| t.kind == Kind::Punct && matches!(text[t.start], b')' | b']' | b'}');
    let comma = |t: &Token| t.kind == Kind::Punct && text[t.start] == b',';
    let mut index = 0;
    let next: Vec<bool> = tokens.windows(2).map(|pair| comma(&pair[0]) && closing(&pair[1])).collect();
    tokens.retain(|_| {
        index += 1;
        !next.get(index - 1).copied().unwrap_or(false)
    });
}

/// True where two tokens say the same. Go ignores carriage returns in raw strings.
pub(crate) fn same(kind: Kind, a: &[u8], b: &[u8]) -> bool {
    if kind == Kind::Raw { a.iter().filter(|c| **c != b'\r').eq(b.iter().filter(|c| **c != b'\r')) } else { a == b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, meta: bool) -> Vec<&str> {
        let lexed = lex(text.as_bytes(), meta);
        assert_eq!(lexed.broken, None, "{text}");
        lexed.tokens.iter().map(|t| &text[t.start..t.end]).collect()
    }

    #[test]
    fn tokens_are_go_s() {
        assert_eq!(texts("a.b(1, 'x') // c", false), ["a", ".", "b", "(", "1", ",", "'x'", ")"]);
        assert_eq!(texts("x&^=y<<1.5e-3+0x1p-2", false), ["x", "&^=", "y", "<<", "1.5e-3", "+", "0x1p-2"]);
        assert_eq!(texts("f(a...) /* ; */ `r\n\"`", false), ["f", "(", "a", "...", ")", "`r\n\"`"]);
        assert_eq!(texts(r#""a\"$X" '\'' "\\""#, true), [r#""a\"$X""#, r"'\''", r#""\\""#]);
        assert_eq!(texts("$X + $$$ + $$$REST", true), ["X", "+", "", "+", "REST"]);
        assert_eq!(texts("größe := <-c", false), ["größe", ":=", "<-", "c"]);
    }

    #[test]
    fn what_does_not_end_is_noticed() {
        for (text, at) in [("a \"b", 2), ("`x", 0), ("'", 0), ("/* x", 0), ("\"a\nb\"", 0), ("f($)", 2), ("$$", 0), ("$1", 0)] {
            assert_eq!(lex(text.as_bytes(), true).broken, Some(at), "{text}");
        }
    }

    #[test]
    fn layout_commas_go() {
        let text = b"f(a,\nb,\n) + []int{1,}";
        let mut tokens = lex(text, false).tokens;
        drop_trailing_commas(text, &mut tokens);
        assert_eq!(tokens.iter().filter(|t| text[t.start] == b',').count(), 1);
    }
}
