//! What could say a region of a Go file: code beside a statement, a statement less, or another piece of code in the place of
//! one. Small things to hold on to come first; the edits' own engine decides.

use std::ops::Range;

use crate::patch::edit::code;
use crate::patch::edit::derive::{Region, Work};
use crate::patch::edit::derive_anchor::Anchors;
use crate::patch::edit::derive_text;
use crate::patch::edit::lex::Kind;
use crate::patch::edit::matcher::accept;
use crate::patch::edit::model::{Action, Change, Edit, Side};
use crate::patch::edit::pattern::{Pattern, Template};
use crate::patch::edit::site::{self, is_list_item};
use crate::patch::edit::syntax::Go;

/// Pieces of code beyond this are no places to hold on to.
const MOST_TOKENS: usize = 2000;

/// A Go file, and what is wanted of it.
pub(crate) struct Places<'w> {
    pub(crate) work: &'w Work<'w>,
    pub(crate) go: &'w Go,
}

/// What a `change` replaces: these bytes of the file, by this text.
struct Swap {
    old: Range<usize>,
    new: String,
    /// The tokens that it concerns; they are covered by whatever is replaced.
    tokens: Range<usize>,
    /// Whether only whole items of lists are replaced.
    items: bool,
}

impl Places<'_> {
    /// Edits that make the region what it is to be, and nothing else.
    pub(crate) fn express(&self, region: &Region) -> Option<Vec<Edit>> {
        let slides = self.work.slides(region);
        let one = |edit: Edit| vec![edit];
        if region.old.is_empty() {
            return slides
                .iter()
                .find_map(|region| self.insert(region))
                .map(one)
                .or_else(|| derive_text::express(self.work, region))
                .or_else(|| slides.iter().find_map(|region| self.change(region)).map(one));
        }
        if region.new.is_empty()
            && let Some(edit) = slides.iter().find_map(|region| self.delete(region))
        {
            return Some(one(edit));
        }
        // Lines of comments and raw strings; elsewhere the engine refuses them.
        derive_text::express(self.work, region).or_else(|| slides.iter().find_map(|region| self.change(region)).map(one))
    }

    /// The tokens that begin between two offsets.
    fn tokens(&self, bytes: &Range<usize>) -> Range<usize> {
        let at = |offset| self.go.tokens.partition_point(|token| token.start < offset);
        at(bytes.start)..at(bytes.end)
    }

    fn offsets(&self, region: &Region) -> Range<usize> {
        self.work.offset(region.old.start)..self.work.offset(region.old.end)
    }

    fn go_edit(&self, scope: Option<String>, action: Action) -> Edit {
        self.work.edit(Change::Go { scope: scope.into_iter().collect(), action, imports: Vec::new() })
    }

    fn anchors(&self, node: u32) -> Anchors<'_> {
        Anchors::of(self.go, &self.work.declared, node)
    }

    fn insert(&self, region: &Region) -> Option<Edit> {
        let lines = &self.work.new[region.new.clone()];
        let is_blank = |line: Option<&&str>| line.is_none_or(|line| line.trim().is_empty());
        if is_blank(lines.first()) || is_blank(lines.last()) {
            return None;
        }
        let code = code::template(&lines.concat()).ok()?;
        let at = self.offsets(region).start;
        let next = self.tokens(&(0..at)).end;
        self.first(at, next, &code, region).or_else(|| self.beside(region, next, &code))
    }

    /// At the top of a function.
    fn first(&self, at: usize, next: usize, code: &Template, region: &Region) -> Option<Edit> {
        let open = next.checked_sub(1).filter(|brace| self.go.token(*brace) == b"{")?;
        let is_its = |function: &u32| site::body(self.go, *function).is_some_and(|body| body.open == self.go.tokens[open].end);
        let function = self.work.declared.iter().find(|declared| at > self.go.start(declared.node) && is_its(&declared.node))?;
        let edit = self.go_edit(Some(function.name.clone()), Action::First { code: code.clone() });
        self.work.gives(&[&edit], region).then_some(edit)
    }

    /// Beside a statement, field, entry, element or clause.
    fn beside(&self, region: &Region, next: usize, code: &Template) -> Option<Edit> {
        let go = self.go;
        let follows = |node: &&(u32, u32, u32)| is_list_item(go, node.2);
        let below: Vec<u32> = go.starting_at(next).iter().filter(follows).map(|n| n.2).collect();
        let comma = next.checked_sub(1).filter(|at| go.token(*at) == b",").unwrap_or(next);
        let ends = |node: &u32| go.node(*node).last as usize == comma && is_list_item(go, *node);
        let mut above: Vec<u32> = (0..go.nodes.len() as u32).filter(ends).collect();
        above.reverse();
        let blank = |line: Option<&&str>| line.is_some_and(|line| line.trim().is_empty());
        let far = [
            blank(region.old.start.checked_sub(1).and_then(|line| self.work.old.get(line))),
            blank(self.work.old.get(region.old.start)),
        ];
        let side = |nodes: Vec<u32>, side: Side| nodes.into_iter().map(move |node| (node, side)).collect::<Vec<_>>();
        let (above, below) = (side(above, Side::After), side(below, Side::Before));
        let uses = above.first().is_some_and(|(node, _)| self.uses_of(*node, code));
        let order = if far[0] && !far[1] || far == [false, false] && !uses { [below, above] } else { [above, below] };
        order.into_iter().flatten().find_map(|(node, side)| {
            let anchors = self.anchors(node);
            anchors.beside(node, side == Side::After, self.work.hold).into_iter().find_map(|pattern| {
                let action = Action::Insert { side, patterns: vec![pattern], code: code.clone() };
                let edit = self.go_edit(anchors.name(), action);
                self.work.gives(&[&edit], region).then_some(edit)
            })
        })
    }

    /// Whether the code is about something that the statement declares or sets.
    fn uses_of(&self, statement: u32, code: &Template) -> bool {
        let go = self.go;
        let Some(left) = go.field(statement, "left") else { return false };
        let node = go.node(left);
        let names = (node.first..node.last).filter(|t| go.tokens[*t as usize].kind == Kind::Word).map(|t| go.token(t as usize));
        let names: Vec<&[u8]> = names.filter(|name| *name != b"_").collect();
        let lexed = crate::patch::edit::lex::lex(code.as_str().as_bytes(), false);
        lexed.tokens.iter().any(|token| names.contains(&&code.as_str().as_bytes()[token.start..token.end]))
    }

    fn delete(&self, region: &Region) -> Option<Edit> {
        let mut tokens = self.tokens(&self.offsets(region));
        if tokens.is_empty() {
            return None;
        }
        if self.go.token(tokens.end - 1) == b"," {
            tokens.end -= 1;
        }
        let what = accept(self.go, tokens.start, tokens.end)?;
        site::itself(self.go, what)?;
        let node = self.smallest(&tokens)?;
        let anchors = self.anchors(node);
        let edit = self.go_edit(anchors.name(), Action::Delete { patterns: vec![anchors.once(&tokens)?] });
        self.work.gives(&[&edit], region).then_some(edit)
    }

    /// The smallest node around some tokens.
    fn smallest(&self, tokens: &Range<usize>) -> Option<u32> {
        let holds = |node: &u32| {
            let node = self.go.node(*node);
            node.named && node.first as usize <= tokens.start && tokens.end <= node.last as usize
        };
        (0..self.go.nodes.len() as u32).rev().filter(holds).min_by_key(|n| self.go.node(*n).last - self.go.node(*n).first)
    }

    fn change(&self, region: &Region) -> Option<Edit> {
        self.swaps(region).into_iter().find_map(|swap| self.swapped(region, &swap))
    }

    /// The ways to see the region as a piece of text in the place of another.
    fn swaps(&self, region: &Region) -> Vec<Swap> {
        let go = self.go;
        let bytes = self.offsets(region);
        let (old, new) = (self.text(bytes.clone()), self.work.wanted(region));
        let mut out = Vec::new();
        if old.is_empty() {
            // Lines between two things can be said to belong to either.
            let next = self.tokens(&(0..bytes.start)).end;
            let before = next.checked_sub(1).map(|token| (token, go.tokens[token].end));
            if let Some((token, end)) = before.filter(|(_, end)| *end <= bytes.start) {
                let gap = self.text(end..bytes.start);
                if let Some(text) = format!("{gap}{new}").strip_suffix(gap) {
                    out.push(Swap { old: end..end, new: text.to_owned(), tokens: token..token + 1, items: true });
                }
            }
            if let Some(start) = go.tokens.get(next).map(|token| token.start) {
                let gap = self.text(bytes.start..start);
                if let Some(text) = format!("{new}{gap}").strip_prefix(gap) {
                    out.push(Swap { old: start..start, new: text.to_owned(), tokens: next..next + 1, items: true });
                }
            }
            // The smaller one to hold on to.
            out.sort_by_key(|swap| self.item_at(&swap.tokens).map_or(u32::MAX, |n| go.node(n).last - go.node(n).first));
        }
        let same = |pairs: &mut dyn Iterator<Item = (char, char)>| {
            pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>()
        };
        let head = same(&mut old.chars().zip(new.chars()));
        let tail = same(&mut old[head..].chars().rev().zip(new[head..].chars().rev()));
        let inner = bytes.start + head..bytes.end - tail;
        let first = go.tokens.partition_point(|token| token.start <= inner.start).checked_sub(1);
        let last = go.tokens.partition_point(|token| token.end < inner.end);
        if let (Some(first), true) = (first, last < go.tokens.len()) {
            let tokens = first.min(last)..first.max(last) + 1;
            out.push(Swap { old: inner, new: new[head..new.len() - tail].to_owned(), tokens, items: false });
        }
        out
    }

    fn text(&self, bytes: Range<usize>) -> &str {
        std::str::from_utf8(&self.go.text[bytes]).unwrap_or_default()
    }

    fn item_at(&self, tokens: &Range<usize>) -> Option<u32> {
        let node = self.smallest(tokens)?;
        std::iter::successors(Some(node), |node| self.go.parent(*node)).find(|node| is_list_item(self.go, *node))
    }

    fn swapped(&self, region: &Region, swap: &Swap) -> Option<Edit> {
        let smallest = self.smallest(&swap.tokens)?;
        for node in std::iter::successors(Some(smallest), |node| self.go.parent(*node)) {
            for tokens in self.covers(node, swap) {
                if tokens.len() > MOST_TOKENS {
                    return None;
                }
                if let Some(edit) = self.swapped_at(region, swap, node, &tokens) {
                    return Some(edit);
                }
            }
        }
        None
    }

    /// Runs of tokens that could be replaced: some of the node's own list, then the node itself.
    fn covers(&self, node: u32, swap: &Swap) -> Vec<Range<usize>> {
        let go = self.go;
        let range = |first: u32, last: u32| go.node(first).first as usize..go.node(last).last as usize;
        let items: Vec<u32> = go.children(node).filter(|child| is_list_item(go, *child)).collect();
        let first = items.iter().rposition(|item| go.node(*item).first as usize <= swap.tokens.start);
        let last = items.iter().position(|item| swap.tokens.end <= go.node(*item).last as usize);
        let mut out = Vec::new();
        if let (Some(first), Some(last)) = (first, last)
            && first <= last
        {
            let (down, up) = (first.saturating_sub(1), (last + 1).min(items.len() - 1));
            out.extend([(first, last), (down, last), (first, up), (down, up)].map(|(a, b)| range(items[a], items[b])));
        }
        out.push(range(node, node));
        out.dedup();
        out
    }

    fn swapped_at(&self, region: &Region, swap: &Swap, node: u32, tokens: &Range<usize>) -> Option<Edit> {
        let go = self.go;
        let what = accept(go, tokens.start, tokens.end)?;
        let opens = |token: usize| matches!(go.token(token), b"(" | b"[" | b"{");
        let telling = |token: usize| matches!(go.tokens[token].kind, Kind::String | Kind::Raw);
        let is_item = site::itself(go, what).is_some();
        // A bracket, or a word by itself, is everywhere.
        if !is_item && (swap.items || opens(tokens.start) || tokens.len() == 1 && !telling(tokens.start)) {
            return None;
        }
        let (start, end) = (go.tokens[tokens.start].start, go.tokens[tokens.end - 1].end);
        let (before, behind) = (start..swap.old.start, swap.old.end..end);
        if before.start > before.end || behind.start > behind.end {
            return None;
        }
        let text = format!("{}{}{}", self.text(before), swap.new, self.text(behind));
        let code = code::template(&unindented(&text, go.indent(start))).ok()?;
        if code.as_str().trim().is_empty() {
            return None;
        }
        let anchors = self.anchors(node);
        let patterns: Vec<Pattern> = vec![anchors.once(tokens)?];
        let edit = self.go_edit(anchors.name(), Action::Change { patterns, code });
        self.work.gives(&[&edit], region).then_some(edit)
    }
}

/// The text without this indentation, but for its first line and the inside of raw strings.
pub(crate) fn unindented(text: &str, indent: &[u8]) -> String {
    let indent = std::str::from_utf8(indent).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for (index, (range, verbatim)) in code::lines(text.as_bytes()).into_iter().enumerate() {
        let line = &text[range];
        if index > 0 {
            out.push('\n');
        }
        let bare = (index > 0 && !verbatim).then(|| line.strip_prefix(indent)).flatten();
        out.push_str(bare.unwrap_or(line));
    }
    out
}
