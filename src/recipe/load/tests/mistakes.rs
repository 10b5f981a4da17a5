//! Every mistake that a file can have, with the message, its place and the help.

use super::{Project, block, k0s};

/// Shows every difference of a table, not only the first.
#[derive(Default)]
struct Compare(String);

impl Compare {
    fn add(&mut self, input: &str, found: Vec<String>, expected: String) {
        if found != [expected.as_str()] {
            self.0.push_str(&format!("{input}\n  expected {expected}\n  found    {}\n\n", found.join("\n           ")));
        }
    }
    fn finish(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let project = Project::new();
    let long_name = "a".repeat(101);
    let cases: &[(String, &str)] = &[
        // keys and types
        (k0s("serise = []"), "3:1: [component.k0s] has no key `serise` (did you mean `series`?)"),
        (
            k0s("replace = \"service\""),
            "3:11: `replace` must be a list of strings, found a string (write replace = [\"service\"])",
        ),
        (k0s("series = [1]"), "3:11: `series` must be a list of strings, found an integer (write series = [1])"),
        (k0s("expect = 5"), "3:10: `expect` must be a list of tables, found an integer"),
        ("component = 1".into(), "1:13: `component` must be a table of tables, found an integer"),
        ("".into(), "1:1: the recipe has no components (write [component.NAME], for example [component.k0s])"),
        (k0s("holds = \"\\u0000\""), "3:9: `holds` must not contain the character U+0000"),
        // names, ranges, targets
        (
            "[component.\"a/b\"]\nversion=\"main\"".into(),
            "1:12: \"a/b\" is not a component name: only letters, digits, `.`, `_` and `-` are allowed",
        ),
        (format!("targets = []\n{}", k0s("")), "1:11: `targets` is empty (leave it out for the platform that forge runs on)"),
        (
            format!("targets = [\"Linux/amd64\"]\n{}", k0s("")),
            "1:12: \"Linux/amd64\" is not a target: OS/ARCH is expected, such as linux/amd64",
        ),
        (format!("targets = [\"linux/arm64\", \"linux/arm64\"]\n{}", k0s("")), "1:27: target linux/arm64 is listed twice"),
        (
            k0s("holds = \">=1.x\""),
            "3:9: \">=1.x\" is not a range of releases: \">=1.x\" should be a comparator such as >=1.24, ~1.36 or =1.36.3",
        ),
        (format!("targets = [\"linux/adm64\"]\n{}", k0s("")), "1:12: Go knows no architecture \"adm64\" (did you mean amd64?)"),
        (
            format!("targets = [\"macos/arm64\"]\n{}", k0s("")),
            "1:12: Go knows no operating system \"macos\" (did you mean darwin?)",
        ),
        // versions
        (
            "[component.k0s]\nlines = [\"~1.36\"]\nversion = \"main\"".into(),
            "3:11: `lines` and `version` exclude each other (`lines` takes the newest release of each range, `version` one tag, branch or commit)",
        ),
        ("[component.k0s]\nlines = []".into(), "2:9: `lines` is empty (write something like lines = [\"~1.36\"])"),
        ("[component.k0s]\nlines = [\"~1.36\", \"~1.36\"]".into(), "2:19: line ~1.36 is listed twice"),
        (
            "[component.k0s]\nversion = \"~1.36\"".into(),
            "2:11: \"~1.36\" is a range, and `version` names one tag, branch or commit (for the newest release of a range write lines = [\"~1.36\"])",
        ),
        (
            "[component.k0s]\nversion = \"--upload-pack=x\"".into(),
            "2:11: `version`: \"--upload-pack=x\" is not a tag or branch: a leading `-` would be read as an option",
        ),
        (
            "[component.k0s]\nlines = [\"~1.36\"]\nas = \"v1.0.0\"".into(),
            "3:6: `as` has no meaning without a `version` that is a branch or a commit",
        ),
        (
            "[component.k0s]\nversion = \"v1.36.3+k0s.2\"\nas = \"v1.0.0\"".into(),
            "3:6: v1.36.3+k0s.2 is a version already: `as` is for a branch or a commit (leave `as` out)",
        ),
        (k0s("as = \"mine\""), "3:6: \"mine\" is not a version (write something like as = \"v1.36.3-mine.1\")"),
        // upstream and series
        ("[component.k0z]\nversion = \"main\"".into(), "1:12: there is no upstream k0z (did you mean k0s?)"),
        (k0s("upstream = \"k0z\"\ngit = \"https://h/x\""), "3:12: there is no upstream k0z (did you mean k0s?)"),
        (
            k0s("series = [\"systemd-unit-pat\"]"),
            "3:11: there is no series systemd-unit-pat: no folder patches/k0s/systemd-unit-pat (did you mean systemd-unit-path?)",
        ),
        (
            k0s("series = [\"only-here\"]"),
            "3:11: there is no series only-here: no folder patches/k0s/only-here (patches/service/only-here exists: is it meant for a component of upstream service?)",
        ),
        (
            k0s("series = [\"nothing\"]"),
            "3:11: there is no series nothing: no folder patches/k0s/nothing (upstream k0s has systemd-unit-path)",
        ),
        (k0s("series = [\"systemd-unit-path\", \"systemd-unit-path\"]"), "3:32: series systemd-unit-path is listed twice"),
        (
            k0s("git = \"https://user:secret@h/x\""),
            "3:7: the URL https://***@h/x carries a login or a token (files are shared: leave it out, and let git's credential helper or an ssh agent supply it)",
        ),
        (
            k0s("git = \"ext::sh -c id\""),
            "3:7: \"ext::sh -c id\" is not a git URL: 1 to 2000 characters without spaces are expected",
        ),
        (
            k0s("git = \"https://h/x\"\nmodule = \"a.b/c\""),
            "4:10: `git` and `module` exclude each other (the sources come from one place: a git repository, a Go module, or a folder)",
        ),
        (k0s("path = \"../x\""), "3:8: \"../x\" is not a path inside the tree: `.` and `..` are not allowed"),
        (k0s("path = \"nowhere\""), "3:8: nowhere cannot be read: there is no such folder"),
        // go.mod
        (k0s("replace = [\"k0s\"]"), "3:12: component k0s cannot replace a module with itself"),
        (
            k0s("replace = [\"serv\"]"),
            "3:12: the recipe has no component serv (it has k0s; another module is written \"OLD => NEW@VERSION\")",
        ),
        (
            format!("{}[component.service]", k0s("replace = [\"servce\"]")),
            "3:12: the recipe has no component servce (did you mean service?)",
        ),
        (
            format!("{}[component.service]", k0s("")),
            "4:12: component service has no version and no component uses it (give it `version` or `lines`, or name it in the `replace` of the component that it is for)",
        ),
        (
            format!("{}[component.service]\nreplace = [\"k0s\"]", k0s("replace = [\"service\"]")),
            "3:12: the components contain each other: k0s uses service uses k0s (a module cannot be inside what it contains: take one `replace` out)",
        ),
        (
            k0s("require = [\"a.b/c\"]"),
            "3:12: the requirement \"a.b/c\" has no version (write MODULE@VERSION, for example a.example/b@v1.2.3)",
        ),
        (k0s("go = \"go1.26\""), "3:6: \"go1.26\" is not a Go version: something like 1.26.5 is expected"),
        (k0s("mod = \"tydy\""), "3:7: `mod` cannot be \"tydy\": \"tidy\" is the only one (did you mean \"tidy\"?)"),
        // expect
        (
            k0s("[[component.k0s.expect]]"),
            "3:1: [[component.k0s.expect]] needs `run` or `has` (`run` holds the arguments of a run, `has` symbols or strings of the binary)",
        ),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nhas = [\"x\"]"),
            "5:7: `run` and `has` exclude each other (each fact is a [[...expect]] of its own)",
        ),
        (k0s("[[component.k0s.expect]]\nhas = \"x\"\nexit = 0"), "5:8: `exit` has no meaning without `run`"),
        (k0s("[[component.k0s.expect]]\nhas = []"), "4:7: `has` is empty (write the text that is looked for)"),
        (k0s("[[component.k0s.expect]]\nhas = [\"\"]"), "4:8: `has` cannot hold \"\": the empty text is everywhere"),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nstdout = {}"),
            "5:10: `stdout` is empty (it takes `contains`, `lacks`, `equals` and `matches`)",
        ),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nstdout = { contain = \"x\", lacks = \"y\" }"),
            "5:12: `stdout` of [[component.k0s.expect]] has no key `contain` (did you mean `contains`?)",
        ),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nstdout = { matches = \"a(b\" }"),
            "5:22: this is not a regular expression: unclosed group",
        ),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nwithin = 0"),
            "5:10: `within` must be a number of seconds from 1 to 600, found 0",
        ),
        (k0s("[[component.k0s.expect]]\nrun = []\nexit = 256"), "5:8: `exit` must be an exit code from 0 to 255, found 256"),
        (k0s("[[component.k0s.expect]]\nrun = [\"{comit}\"]"), "4:8: there is no variable {comit} (did you mean {commit}?)"),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nfiles = { \"../x\" = \"a/b.yaml\" }"),
            "5:11: \"../x\" is not a path inside the tree: `.` and `..` are not allowed",
        ),
        (
            k0s("[[component.k0s.expect]]\nrun = []\nfiles = { x = \"a/c.yaml\" }"),
            "5:15: a/c.yaml cannot be read: there is no such file in the project",
        ),
        (
            format!("{}[component.service]\n[[component.service.expect]]\nhas = [\"x\"]", k0s("replace = [\"service\"]")),
            "5:1: component service is not a program: its upstream has no [[build]] (`expect` belongs to the component whose binary has it)",
        ),
        // TOML itself
        (k0s("series = [\"a\""), "3:14: unclosed array, expected `]`"),
        (
            format!("[component.{long_name}]\nversion = \"main\""),
            &format!("1:12: \"{long_name}\" is not a component name: it is longer than 100 characters"),
        ),
    ];
    let mut compare = Compare::default();
    for (recipe, expected) in cases {
        compare.add(recipe, project.wrong(recipe), format!("recipes/x.toml:{expected}"));
    }
    compare.finish();
}

#[test]
fn each_mistake_of_an_upstream_is_named_with_its_place() {
    let project = Project::new();
    let cases: &[(String, &str)] = &[
        (
            "[[build]]".into(),
            "1:1: upstream k0s needs `git`, `module` or `path` (write where the sources come from, for example git = \"https://...\")",
        ),
        ("git = \"-x\"".into(), "1:7: \"-x\" is not a git URL: a leading `-` would be read as an option"),
        (block("drivr = \"go\""), "3:1: [[build]] has no key `drivr` (did you mean `driver`?)"),
        (
            block("driver = \"mak\""),
            "3:10: `driver` cannot be \"mak\": the drivers are \"go\", \"make\" and \"docker\" (did you mean \"make\"?)",
        ),
        (
            block("flags_from = \"cmake\""),
            "3:14: `flags_from` cannot be \"cmake\": \"make\" is the only one (did you mean \"make\"?)",
        ),
        (
            block("flags_from = \"make\"\npackages = [\".\"]"),
            "4:12: `flags_from` and `packages` exclude each other (the make line names the packages: leave one of the two out)",
        ),
        (
            block("driver = \"go\"\ngoal = \"k0s\""),
            "4:8: `goal` has no meaning for driver \"go\" (it belongs to driver make or docker; a block of its own can carry it)",
        ),
        (
            block("driver = \"make\"\ntags = [\"x\"]"),
            "4:8: `tags` has no meaning for driver \"make\" (it belongs to driver go; a block of its own can carry it)",
        ),
        (
            block("packages = [\"-toolexec=x\"]"),
            "3:13: `packages` cannot hold \"-toolexec=x\": a leading `-` would be read as an option",
        ),
        (
            block("tags = [\"a,b\"]"),
            "3:9: `tags` cannot hold \"a,b\": a build tag has letters, digits, `_` and `.`, and each stands alone in the list",
        ),
        (block("prepare = [[]]"), "3:12: `prepare` is empty (write [\"PROGRAM\", \"ARGUMENT\"])"),
        (block("prepare = [\"make x\"]"), "3:12: `prepare` must be a list of lists of strings, found a string"),
        (
            block("env = { \"A-B\" = \"x\" }"),
            "3:9: \"A-B\" is not a environment variable name: letters, digits and `_` are allowed",
        ),
        (
            block("env = { GOFLAGS = \"-toolexec=x\" }"),
            "3:9: GOFLAGS cannot be set here (forge sets Go's variables itself, so that a build is the same everywhere)",
        ),
        (
            block("env = { CC = \"x\" }"),
            "3:9: CC can run programs (if that is meant, add allow = [\"CC\"] to the same [[build]])",
        ),
        (
            block("ldflags = [\"-s\", \"-extld=x\"]"),
            "3:11: -extld can run programs (if that is meant, add allow = [\"-extld\"] to the same [[build]])",
        ),
        (
            block("ldflags = [\"-s -X 'a.b=c\", \"d' -extldflags=-static\"]"),
            "3:11: -extldflags can run programs (if that is meant, add allow = [\"-extldflags\"] to the same [[build]])",
        ),
        (block("flags = [\"-race\", \"-o=x\"]"), "3:19: -o cannot be set here (forge says where the binary goes)"),
        (
            block("allow = [\"-extl\"]"),
            "3:10: `allow` cannot be \"-extl\": it is for flags and variables that name programs, such as \"-extld\" and \"CC\" (did you mean \"-extld\"?)",
        ),
        (block("args = [\"VERSION={versoin}\"]"), "3:9: there is no variable {versoin} (did you mean {version}?)"),
        (block("output = \"../{os}\""), "3:10: \"../x\" is not a path inside the tree: `.` and `..` are not allowed"),
        (block("touch = [\"/etc/x\"]"), "3:10: \"/etc/x\" is not a path inside the tree: it is absolute"),
        (block("cgo = \"no\""), "3:7: `cgo` must be true or false, found a string"),
        (
            "git = \"https://h/x\"\ngo = { file = \"a\", line = \"x\" }".into(),
            "2:27: `line` must hold `{}` once, where the version stands; found 0 of them (for example line = \"go_version = {}\")",
        ),
        (
            "git = \"https://h/x\"\ngo = { line = \"{}\" }".into(),
            "2:6: `go` needs `file` (for example go = { file = \"go.version\", line = \"go {}\" })",
        ),
        (
            "git = \"https://h/x\"\nreleases = { tags = \"[\" }".into(),
            "2:21: this is not a glob: error parsing glob '[': unclosed character class; missing ']'",
        ),
    ];
    let mut compare = Compare::default();
    for (upstream, expected) in cases {
        project.write("recipes/upstreams/k0s.toml", upstream);
        compare.add(upstream, project.wrong(k0s("")), format!("recipes/upstreams/k0s.toml:{expected}"));
    }
    compare.finish();
}
