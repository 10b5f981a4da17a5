//! `payload = { ... }`: which releases take one, and where upstream's own builds are.

use super::error::Sink;
use super::model::PayloadRule;
use super::raw::RawPayload;
use super::read::Text;
use super::vars::Variables;
use super::wrong::{Wrong, shown};
use crate::names::{WebUrl, nearest};
use crate::release::Req;

/// Checks the keys; what is wrong is left out.
pub(crate) fn rule(raw: &RawPayload, sink: &mut Sink) -> PayloadRule {
    PayloadRule {
        versions: raw.versions.as_ref().and_then(|text| sink.take(text.span(), Req::parse(text.get_ref()))),
        asset: raw.asset.as_ref().and_then(|text| address("asset", text, sink)),
        sums: raw.sums.as_ref().and_then(|text| address("sums", text, sink)),
        from_release: raw.from.as_ref().is_some_and(|text| from_release(text, sink)),
    }
}

fn from_release(text: &Text, sink: &mut Sink) -> bool {
    let known = text.get_ref() == "release";
    if !known {
        let near = nearest(text.get_ref(), ["release"]);
        let expected = "it is \"release\", the program that upstream released";
        sink.push(text.span(), Wrong::Choice { key: "from", found: shown(text.get_ref()), expected, near });
    }
    known
}

/// An address with variables, of a file that nobody on the way can change.
fn address(key: &'static str, text: &Text, sink: &mut Sink) -> Option<String> {
    let sample = sink.take(text.span(), Variables::sample(text.get_ref()))?;
    let url = sink.take(text.span(), WebUrl::new(sample))?;
    if url.userinfo().is_some() {
        sink.push(text.span(), Wrong::Userinfo { shown: url.to_string() });
        return None;
    }
    if !url.is_safe() {
        let reason = "plain http is allowed on the loopback only; use https";
        sink.push(text.span(), Wrong::Text { key, text: shown(text.get_ref()), reason });
        return None;
    }
    Some(text.get_ref().clone())
}
