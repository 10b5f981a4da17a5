use super::*;
use crate::patch::diff::Dialect;

const DIFF: &[u8] = b"diff --git a/f b/f\nnew file mode 100644\nindex 0000000000000000000000000000000000000000..587be6b4c3f93f93c489c0111bba5596147a26cb\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n";

fn letter(author: &str, message: &str) -> Letter {
    Letter { author: author.into(), email: "a@example.org".into(), date: (1_700_000_000, -210), message: message.into() }
}

#[test]
fn what_is_written_reads_back() {
    let authors = ["A U Thor", "Åsa Öberg", "Smith, J.", "张伟", "Dr. O'Neil (Work)", "say \"hi\" \\o/"];
    let messages = [
        "One line",
        "größere Änderung für alle, die lange Betreffzeilen mit Umlauten über mehrere Zeilen hinweg mögen\n\nbody",
        "a long subject that must be folded because it has more than seventy-eight characters, hasn't it, hasn't it\n",
        "with =?UTF-8?q?x?= in it\n\nFrom: somebody\n\nBug: https://example.org/1",
        "two\nlines\n\n  indented — und ümlaut\n\tBug: x\n\n\n\nend",
        "x\n\nSubject: not this one\nDate: neither",
    ];
    for author in authors {
        for message in messages {
            let letter = letter(author, message);
            let bytes = write_mail(&letter, DIFF, None).unwrap();
            let read = PatchFile::parse(&bytes, 1, Dialect::Git).unwrap();
            assert_eq!((read.mail.author.as_str(), read.mail.email.as_str()), (author, "a@example.org"));
            assert_eq!(read.mail.date, Some(letter.date));
            assert!(is_same_text(message, &read.mail.message()), "{message:?}: {:?}", read.mail.message());
            assert_eq!(read.files.len(), 1);
            // The same again: nothing above the diff changes.
            assert_eq!(write_mail(&letter, DIFF, Some(Before { patch: &read, bytes: &bytes, same_text: true })).unwrap(), bytes);
        }
    }
}

#[test]
fn what_stands_above_the_diff_stays() {
    let mail = "From abc Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Tue, 14 Nov 2023 18:43:20 -0330\nSubject: [PATCH 1/3] x\nForwarded: no\n\nwhy\n---\n f | 1 +\n\n";
    let bytes = [mail.as_bytes(), DIFF].concat();
    let read = PatchFile::parse(&bytes, 1, Dialect::Git).unwrap();
    let again =
        write_mail(&letter("A", "x\n\nwhy"), DIFF, Some(Before { patch: &read, bytes: &bytes, same_text: true })).unwrap();
    let head = mail.replace(" f | 1 +\n\n", "");
    assert_eq!(String::from_utf8(again).unwrap(), format!("{head}{}{SIGNATURE}", String::from_utf8_lossy(DIFF)));
    let other = write_mail(&letter("A", "y"), DIFF, Some(Before { patch: &read, bytes: &bytes, same_text: false })).unwrap();
    let other = String::from_utf8(other).unwrap();
    assert!(other.contains("Subject: [PATCH] y\nForwarded: no\n\n---\n"), "{other}");
}

#[test]
fn messages_that_no_mail_carries_are_refused() {
    let write = |message: &str| write_mail(&letter("A", message), DIFF, None);
    assert_eq!(write(" \n"), Err(LetterError::NoSubject));
    for line in ["---", "diff -u a b", "Index: x", "--- a/x", "From 123 Mon Sep 17 00:00:00 2001"] {
        assert_eq!(write(&format!("x\n\na\n{line}\nb")), Err(LetterError::Line { line: line.into() }));
    }
    write("x\n\n----\n-- \nFrom here on").unwrap();
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(date(0, 0), "Thu, 1 Jan 1970 00:00:00 +0000");
    assert_eq!(date(951_782_400, 330), "Tue, 29 Feb 2000 05:30:00 +0530");
    assert_eq!(date(-1, -90), "Wed, 31 Dec 1969 22:29:59 -0130");
    assert_eq!(date(4_102_444_799, 0), "Thu, 31 Dec 2099 23:59:59 +0000");
}

#[test]
fn names_come_from_subjects_and_are_free() {
    let name = |subject: &str| file_name(subject, &|name| name == "a.patch" || name == "a-2.patch");
    assert_eq!(name("[PATCH 2/3] k0s: größer, -- better!"), "k0s-gr-er-better.patch");
    assert_eq!((name("A"), name("张伟")), ("a-3.patch".into(), "patch.patch".into()));
}
