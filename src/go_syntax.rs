//! The parser of Go: one for each thread, for all that reads Go by its syntax.

use std::cell::RefCell;
use std::sync::LazyLock;

use tree_sitter::{Language, Parser, Tree};

/// Its grammar.
pub static LANGUAGE: LazyLock<Language> = LazyLock::new(|| tree_sitter_go::LANGUAGE.into());

thread_local! {
    /// One parser for all files: making one takes memory that it keeps for the next.
    static PARSER: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// The tree of a text, anew or from the tree of a text that was edited as that tree says. `None` where the parser gives up.
pub fn parse(text: &[u8], old: Option<&Tree>) -> Option<Tree> {
    PARSER.with_borrow_mut(|slot| {
        if slot.is_none() {
            let mut parser = Parser::new();
            parser.set_language(&LANGUAGE).ok()?;
            *slot = Some(parser);
        }
        slot.as_mut()?.parse(text, old)
    })
}
