use super::*;

const DIFF: &str = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n";
const FROM: &str = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n";

fn mail(text: &str) -> Mail {
    split(text.as_bytes()).unwrap().mail
}

#[test]
fn a_mail_of_format_patch_is_taken_apart() {
    let text = format!(
        "{FROM}From: =?UTF-8?q?=C3=85sa?= <a@example.org>\nDate: Tue, 14 Nov 2023 23:43:20 +0130\nSubject: [PATCH v2 1/9] Make it\n work\n\n\
         Because it did not.\n\nBug: https://example.org/1\n---\n f | 2 +-\n\n{DIFF}-- \n2.39.5\n\n"
    );
    let split = split(text.as_bytes()).unwrap();
    assert_eq!((split.mail.author.as_str(), split.mail.email.as_str()), ("Åsa", "a@example.org"));
    assert_eq!(split.mail.date, Some((1_700_000_000, 90)));
    assert_eq!(split.mail.message(), "Make it work\n\nBecause it did not.\n\nBug: https://example.org/1\n");
    assert_eq!(split.mail.field("bug"), Some("https://example.org/1"));
    assert_eq!(split.first_line, 10);
    assert!(split.diff.starts_with(b"---\n f | 2 +-\n"));
}

#[test]
fn headers_in_the_body_win() {
    let text = format!(
        "{FROM}From: List <l@example.org>\nSubject: x\n\nFrom: A U Thor <a@example.org>\nSubject: long\n subject\n\nBody.\n---\n{DIFF}"
    );
    let mail = mail(&text);
    assert_eq!((mail.author.as_str(), mail.subject.as_str(), mail.body.as_str()), ("A U Thor", "long subject", "Body.\n"));
}

#[test]
fn encoded_bodies_keep_every_byte() {
    let diff = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a =\t\r\n-b \n+\u{e4}\r\n";
    let head = format!("{FROM}From: A <a@b>\nSubject: x\nContent-Type: text/plain; charset=UTF-8\n");
    let plain = format!("M\u{fc}ller\n---\n{diff}");
    let quoted: String = plain
        .bytes()
        .map(|b| if b == b'\n' || b.is_ascii_graphic() && b != b'=' { char::from(b).to_string() } else { format!("={b:02X}") })
        .collect();
    let quoted = quoted.replacen("@@", "@=\n@", 1);
    let base64 = "TcO8bGxlcgotLS0KLS0tIGEvZgorKysgYi9mCkBAIC0xLDIgKzEsMiBAQAogYSA9CQ0KLWIgCivDpA0K";
    for (encoding, body) in [("8bit", plain.as_str()), ("quoted-printable", &quoted), ("base64", base64)] {
        let text = format!("{head}Content-Transfer-Encoding: {encoding}\n\n{body}");
        let split = split(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&split.diff), format!("---\n{diff}"), "{encoding}");
        assert_eq!(split.mail.body, "M\u{fc}ller\n", "{encoding}");
    }
}

#[test]
fn a_message_in_latin_1_is_decoded() {
    let mut text = format!("{FROM}From: A <a@b>\nSubject: x\nContent-Type: text/plain; charset=ISO-8859-1\n\nM").into_bytes();
    text.extend_from_slice(b"\xfcller\n---\n");
    assert_eq!(split(&text).unwrap().mail.body, "Müller\n");
}

#[test]
fn several_mails_are_refused_with_their_line() {
    let one = format!("{FROM}From: A <a@b>\nSubject: x\n\n---\n{DIFF}");
    let error = split(format!("{one}{one}").as_bytes()).unwrap_err();
    assert_eq!(error, MailError::Several { line: 12 });
    assert!(error.help().contains("mailsplit"));
    let attachment = format!("{FROM}From: A <a@b>\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n");
    assert_eq!(split(attachment.as_bytes()).unwrap_err(), MailError::Multipart);
}

#[test]
fn a_bare_diff_may_carry_dep_3() {
    let text = format!(
        "Description: Short text\n Longer text\n .\n over lines.\nAuthor: A U Thor <a@example.org>\nForwarded: not-needed\nBug-Debian: https://bugs.debian.org/1\nLast-Update: 2023-01-01\n\nMore.\n---\n{DIFF}"
    );
    let split = split(text.as_bytes()).unwrap();
    assert!(!split.is_mail);
    assert_eq!(split.mail.author, "A U Thor");
    assert_eq!((split.mail.subject.as_str(), split.mail.body.as_str()), ("Short text", "Longer text\n\nover lines.\n\nMore.\n"));
    assert_eq!(split.mail.field("Forwarded"), Some("not-needed"));
    assert_eq!(split.mail.field("bug-debian"), Some("https://bugs.debian.org/1"));
    assert_eq!(mail(DIFF), Mail::default());
    assert_eq!(mail(&format!("Just some words.\n\n{DIFF}")).subject, "Just some words.");
}

#[test]
fn subjects_lose_what_git_am_strips() {
    for (subject, expected) in [
        ("[PATCH] a", "a"),
        ("Re: [PATCH 3/4] [RFC] a: b", "a: b"),
        ("re: a [b]", "a [b]"),
        ("[unclosed", "[unclosed"),
        ("  a   b ", "a b"),
    ] {
        assert_eq!(message::clean_subject(subject), expected);
    }
}
