use super::*;
use crate::patch::diff::parse;

fn hunks(patch: &str) -> Vec<Hunk> {
    let text = format!("--- a/f\n+++ b/f\n{patch}");
    parse(text.as_bytes(), 1, Dialect::Git, 1).unwrap().remove(0).hunks().to_vec()
}

/// The new text, and which hunks moved.
type Put = (String, Vec<(usize, i64)>);

fn put(file: &str, patch: &str) -> Result<Put, Vec<HunkProblem>> {
    put_as(Dialect::Git, file, patch)
}

fn put_as(dialect: Dialect, file: &str, patch: &str) -> Result<Put, Vec<HunkProblem>> {
    match place(file.as_bytes(), &hunks(patch), dialect) {
        Ok(placed) => Ok((String::from_utf8(placed.bytes).unwrap(), placed.moved)),
        Err(failures) => Err(failures.into_iter().map(|f| f.problem).collect()),
    }
}

/// Lines from letters: "abc" is "a\nb\nc\n".
fn text(letters: &str) -> String {
    letters.chars().map(|c| format!("{c}\n")).collect()
}

const CHANGE_D: &str = "@@ -3,3 +3,3 @@\n c\n-d\n+D\n e\n";

#[test]
fn a_hunk_applies_at_its_line() {
    assert_eq!(put(&text("abcdefg"), CHANGE_D).unwrap(), (text("abcDefg"), vec![]));
}

#[test]
fn elsewhere_it_applies_where_the_old_text_is_unique() {
    assert_eq!(put(&text("xyabcdefg"), CHANGE_D).unwrap(), (text("xyabcDefg"), vec![(1, 2)]));
    assert_eq!(put(&text("cdefg"), CHANGE_D).unwrap(), (text("cDefg"), vec![(1, -2)]));
}

#[test]
fn twice_is_ambiguous_but_not_at_the_recorded_line() {
    assert_eq!(put(&text("abcdexcdey"), CHANGE_D).unwrap().0, text("abcDexcdey"));
    let found = put(&text("xabcdexcdey"), CHANGE_D).unwrap_err();
    assert_eq!(found, [HunkProblem::Ambiguous { expected_at: 3, places: vec![4, 8] }]);
}

#[test]
fn places_that_share_lines_are_two() {
    let patch = "@@ -9,3 +9,4 @@\n x\n x\n+y\n x\n";
    let found = put(&text("axxxxb"), patch).unwrap_err();
    assert_eq!(found, [HunkProblem::Ambiguous { expected_at: 9, places: vec![2, 3] }]);
}

#[test]
fn after_an_offset_the_recorded_line_proves_nothing() {
    let patch = "@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n@@ -7,3 +7,3 @@\n x\n-y\n+Y\n z\n";
    assert_eq!(put(&text("abcdefxyz"), patch).unwrap().0, text("abCdefxYz"));
    // One line further down; the second hunk's text is at its recorded line and once more.
    let found = put(&text("_abcd_xyzxyz"), patch).unwrap_err();
    assert_eq!(found, [HunkProblem::Ambiguous { expected_at: 7, places: vec![7, 10] }]);
    assert_eq!(put(&text("_abcd_xyz"), patch).unwrap(), (text("_abCd_xYz"), vec![(1, 1)]));
}

#[test]
fn a_patch_that_contradicts_itself_must_be_unique() {
    // git would look at the new line number (8) first.
    let patch = "@@ -3,3 +8,3 @@\n c\n-d\n+D\n e\n";
    assert_eq!(put(&text("abcdefg"), patch).unwrap().0, text("abcDefg"));
    assert!(matches!(put(&text("abcdefgcdef"), patch).unwrap_err()[..], [HunkProblem::Ambiguous { .. }]));
}

#[test]
fn a_hunk_of_line_one_belongs_to_the_top() {
    let patch = "@@ -1,3 +1,4 @@\n+new\n a\n b\n c\n";
    assert_eq!(put(&text("abcd"), patch).unwrap().0, format!("new\n{}", text("abcd")));
    assert_eq!(put(&text("xabcd"), patch).unwrap_err(), [HunkProblem::NotAtTop { found: 2 }]);
}

#[test]
fn a_hunk_without_trailing_context_belongs_to_the_end() {
    let patch = "@@ -2,2 +2,3 @@\n b\n c\n+new\n";
    assert_eq!(put(&text("abc"), patch).unwrap().0, format!("{}new\n", text("abc")));
    assert_eq!(put(&text("abcd"), patch).unwrap_err(), [HunkProblem::NotAtEnd { found: 2, lines: 4 }]);
    assert_eq!(put(&text("xxabc"), patch).unwrap(), (format!("{}new\n", text("xxabc")), vec![(1, 2)]));
}

#[test]
fn for_quilt_less_context_below_means_the_end() {
    let patch = "@@ -2,4 +2,5 @@\n b\n c\n+new\n d\n e\n".replace(" e\n", "").replace("-2,4 +2,5", "-2,3 +2,4");
    assert!(put(&text("abcdx"), &patch).is_ok());
    assert_eq!(put_as(Dialect::Quilt, &text("abcdx"), &patch).unwrap_err(), [HunkProblem::NotAtEnd { found: 2, lines: 5 }]);
}

#[test]
fn a_hunk_without_context_is_refused() {
    assert_eq!(put(&text("abc"), "@@ -2,0 +3,1 @@\n+new\n").unwrap_err(), [HunkProblem::NoContext]);
    assert_eq!(put(&text("abc"), "@@ -0,0 +1,1 @@\n+new\n").unwrap_err(), [HunkProblem::NoContext]);
    assert_eq!(put(&text("abc"), "@@ -2,1 +2,1 @@\n-b\n+B\n").unwrap_err(), [HunkProblem::NoContext]);
    assert_eq!(put("", "@@ -0,0 +1,1 @@\n+new\n").unwrap().0, "new\n");
    assert_eq!(put(&text("a"), "@@ -1 +1 @@\n-a\n+b\n").unwrap().0, "b\n");
}

#[test]
fn hunks_keep_their_order() {
    let patch = "@@ -5,3 +5,3 @@\n e\n-f\n+F\n g\n@@ -12,3 +12,3 @@\n a\n-b\n+B\n c\n";
    assert_eq!(put(&text("abcdefgh"), patch).unwrap_err(), [HunkProblem::Overlap { found: 1 }]);
}

#[test]
fn bytes_count() {
    let crlf = "a\r\nb\r\nc\r\nd\r\ne\r\nf\r\n";
    assert!(put(crlf, "@@ -3,3 +3,3 @@\n c\n-d\n+D\n e\n").is_err());
    assert_eq!(put(crlf, "@@ -3,3 +3,3 @@\n c\r\n-d\r\n+D\r\n e\r\n").unwrap().0, crlf.replace('d', "D"));
    assert!(put("a\nb \nc\nd\n", "@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n").is_err());
}

#[test]
fn a_missing_newline_at_the_end_counts() {
    let patch = "@@ -2,2 +2,2 @@\n b\n-c\n\\ No newline at end of file\n+C\n";
    assert_eq!(put("a\nb\nc", patch).unwrap().0, "a\nb\nC\n");
    assert!(put("a\nb\nc\n", patch).is_err());
    // An unfinished context line is the last one of the file; git would accept it in the middle.
    let patch = "@@ -2,2 +2,2 @@\n-b\n+B\n c\n\\ No newline at end of file\n";
    assert_eq!(put("a\nb\nc", patch).unwrap().0, "a\nB\nc");
    assert!(put("a\nb\nc\nd\n", patch).is_err());
    assert!(put("a\nb\ncc", patch).is_err());
}

#[test]
fn a_mismatch_shows_the_most_similar_place() {
    let found = put(&text("__abcdXfg"), "@@ -2,5 +2,5 @@\n b\n c\n-d\n+D\n e\n f\n").unwrap_err();
    let [HunkProblem::Mismatch { expected_at: 2, expected, found_at: Some(4), found, differing }] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((expected.concat(), found.concat()), (text("bcdef"), text("bcdXf")));
    assert_eq!(differing, &[7]);
}

#[test]
fn every_hunk_without_a_place_is_reported() {
    let patch = "@@ -1,3 +1,3 @@\n q\n-b\n+B\n c\n@@ -5,3 +5,3 @@\n e\n-f\n+F\n g\n@@ -9,2 +9,2 @@\n r\n-s\n+S\n";
    assert_eq!(put(&text("abcdefghi"), patch).unwrap_err().len(), 2);
}

#[test]
fn searching_is_linear() {
    let file = "x\n".repeat(400_000);
    let mut patch = String::from("@@ -7,100001 +7,100001 @@\n");
    patch.push_str(&" x\n".repeat(100_000));
    patch.push_str("-y\n+z\n");
    assert!(matches!(put(&file, &patch).unwrap_err()[..], [HunkProblem::Mismatch { .. }]));
}
