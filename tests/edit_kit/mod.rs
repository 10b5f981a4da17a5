//! Random Go files: statements of all kinds, comments, literals, generics, and pieces of broken code.

use std::fmt::Write as _;

use crate::patch_kit::Rng;

/// A file with functions `F0`.. (some of them methods `T0.M0`), in which the calls `c0()`.. occur at most once each.
pub(crate) struct GoFile {
    pub(crate) text: String,
    pub(crate) functions: Vec<Function>,
}

/// One function and the calls in it.
pub(crate) struct Function {
    /// As an edit's `in` says it.
    pub(crate) name: String,
    pub(crate) calls: Vec<String>,
}

struct Writer<'r> {
    rng: &'r mut Rng,
    out: String,
    calls: Vec<String>,
    depth: usize,
}

pub(crate) fn go_file(rng: &mut Rng) -> GoFile {
    let mut w = Writer { rng, out: String::new(), calls: Vec::new(), depth: 0 };
    if w.rng.one_in(4) {
        w.out.push_str("// Copyright nobody\n\n");
    }
    w.out.push_str("package p\n\n");
    match w.rng.below(4) {
        0 => w.out.push_str("import \"fmt\"\n\n"),
        1 => w.out.push_str("import (\n\t\"fmt\"\n\t\"os\"\n\n\t\"github.com/a/b\"\n\tc \"github.com/c/d\" // why\n)\n\n"),
        2 => w.out.push_str("import (\n\t\"os\"\n)\n\n"),
        _ => {}
    }
    w.types();
    let mut functions = Vec::new();
    for n in 0..2 + w.rng.below(3) {
        let doc = w.rng.one_in(2);
        if doc {
            let _ = writeln!(w.out, "// Doc of {n}, with {{ and `.");
        }
        let (head, name) = match w.rng.below(4) {
            0 => (format!("func (t *T0) M{n}(x int) error"), format!("T0.M{n}")),
            1 => (format!("func (g *G[K, V]) M{n}(x int) (err error)"), format!("G.M{n}")),
            2 => (format!("func F{n}[A any, B ~int | ~string](x int, rest ...A) error"), format!("F{n}")),
            _ => (format!("func F{n}(x int) error"), format!("F{n}")),
        };
        w.calls.clear();
        if w.rng.one_in(8) {
            let call = w.call();
            let _ = writeln!(w.out, "{head} {{ return {call} }}\n");
        } else {
            let _ = write!(w.out, "{head} {{");
            w.body(0);
            w.out.push_str("\n\n");
        }
        functions.push(Function { name, calls: w.calls.clone() });
    }
    GoFile { text: w.out, functions }
}

impl Writer<'_> {
    fn types(&mut self) {
        self.out.push_str("type T0 struct {\n\tfmt.Stringer `a:\"b\"`\n");
        for n in 0..1 + self.rng.below(5) {
            let name = ["a", "longName", "X", "someField"][self.rng.below(4)];
            let kind = ["int", "map[string][]byte", "*T0", "func(int) error", "struct {\n\t\tx int\n\t}", "chan<- int"]
                [self.rng.below(6)];
            let tag = ["", "", " `json:\"x\"`", " `yaml:\"a,omitempty\"`"][self.rng.below(4)];
            let comment = ["", "", " // why"][self.rng.below(3)];
            if self.rng.one_in(4) {
                self.out.push_str("\n\t// Above it.\n");
            }
            let _ = writeln!(self.out, "\t{name}{n} {kind}{tag}{comment}");
        }
        self.out.push_str("\tLast int\n}\n\ntype G[K comparable, V any] struct{ m map[K]V }\n\n");
        self.out.push_str("const (\n");
        for n in 0..1 + self.rng.below(4) {
            let name = ["A", "LongName", "B"][self.rng.below(3)];
            let kind = ["", "", " int"][self.rng.below(3)];
            let comment = ["", " // c"][self.rng.below(2)];
            let _ = writeln!(self.out, "\t{name}{n}{kind} = {n}{comment}");
        }
        self.out.push_str("\tLastConst = 7\n)\n\nvar table = map[string]T0{\n");
        for n in 0..1 + self.rng.below(4) {
            let key = ["\"k\"", "\"a much longer key\"", "`raw`"][self.rng.below(3)];
            let value = ["{}", "{Last: 1}", "{\n\t\tLast: 2,\n\t}"][self.rng.below(3)];
            let comment = ["", "", " // c"][self.rng.below(3)];
            let _ = writeln!(self.out, "\t{key} + \"{n}\": {value},{comment}");
        }
        self.out.push_str("\t\"last\": {},\n}\n\nvar list = []int{1, 2, 99}\n\n");
    }

    fn call(&mut self) -> String {
        let name = format!("c{}", self.calls.len());
        self.calls.push(name.clone());
        let argument = self.expression(0);
        format!("{name}({argument})")
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth > 2 {
            return "x".to_owned();
        }
        let sub = |w: &mut Self| w.expression(depth + 1);
        match self.rng.below(16) {
            0 => "\"a } // \\\" b\"".to_owned(),
            1 => "`raw { \" $X`".to_owned(),
            2 => "'}'".to_owned(),
            3 => format!("[]int{{{}}}", sub(self)),
            4 => format!("map[string]T0{{\"a\": {{Last: {}}}}}", sub(self)),
            5 => format!("func() int {{ return {} }}()", sub(self)),
            6 => format!("({} + {})", sub(self), sub(self)),
            7 => format!("F0[int]({})", sub(self)),
            8 => format!("G[string, []int]{{}}.m[{}]", sub(self)),
            9 => format!("y.(*T0).M0({})", sub(self)),
            10 => format!("new({})", ["T0", "[]int", "x + 1", "\"a\"", "f(x)"][self.rng.below(5)]),
            11 => format!("-({}) /* in */", sub(self)),
            12 => format!("a[{}:]", sub(self)),
            13 => format!("<-ch({})", sub(self)),
            14 => format!("&T0{{Last: {}}}", sub(self)),
            _ => "x".to_owned(),
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push('\n');
        self.out.push_str(&"\t".repeat(self.depth));
        self.out.push_str(text);
    }

    fn body(&mut self, level: usize) {
        self.depth += 1;
        for _ in 0..1 + self.rng.below(4) {
            if self.rng.one_in(5) {
                self.line("");
            }
            if self.rng.one_in(4) {
                let comment = ["// a comment with { and \"", "/* block\n\tcomment */", "//nolint:all"][self.rng.below(3)];
                self.line(comment);
            }
            self.statement(level);
            if self.rng.one_in(5) {
                self.out.push_str(" // trailing");
            }
        }
        self.depth -= 1;
        self.line("}");
    }

    fn nested(&mut self, head: &str, level: usize) {
        self.line(&format!("{head} {{"));
        self.body(level + 1);
    }

    fn statement(&mut self, level: usize) {
        let call = self.call();
        let kinds = if level > 2 { 9 } else { 20 };
        match self.rng.below(kinds) {
            0 => self.line(&format!("x = {call}")),
            1 => self.line(&format!("v, err := {call}, 1")),
            2 => self.line(&format!("defer {call}")),
            3 => self.line(&format!("go {call}")),
            4 => self.line(&format!("var z, w = {call}, x")),
            5 => self.line(&format!("ch <- {call}")),
            6 => self.line(&format!("f(func() {{ {call} }}, 1)")),
            7 => self.line(&format!("s := []int{{\n\t\t1 + {call},\n\t\t2, // two\n\t}}")),
            8 => self.line(&call),
            9 => self.nested(&format!("if err := {call}; err != nil"), level),
            10 => {
                self.nested(&format!("if {call}"), level);
                let other = self.call();
                self.out.push_str(&format!(" else if {other} {{"));
                self.body(level + 1);
                self.out.push_str(" else {");
                self.body(level + 1);
            }
            11 => self.nested(&format!("for i := 0; i < {call}; i++"), level),
            12 => self.nested(&format!("for k, v := range {call}"), level),
            13 => {
                self.line(&format!("switch y := {call}; y {{"));
                for n in 0..1 + self.rng.below(3) {
                    self.line(&format!("case {n}: // why"));
                    self.depth += 1;
                    self.statement(level + 1);
                    self.depth -= 1;
                }
                self.line("default:");
                self.line("}");
            }
            14 => {
                self.line("switch t := y.(type) {");
                self.line("case *T0, map[string]int:");
                self.depth += 1;
                self.line(&call);
                self.depth -= 1;
                self.line("}");
            }
            15 => {
                self.line("select {");
                self.line(&format!("case v := <-{call}:"));
                self.depth += 1;
                self.statement(level + 1);
                self.depth -= 1;
                self.line("}");
            }
            16 => {
                let label = self.calls.len();
                self.line(&format!("L{label}:"));
                self.nested("for", level);
                self.line(&call);
            }
            17 => {
                self.nested("g := func(x int) error", level);
                self.line(&call);
            }
            18 => {
                self.line(&call);
                self.line("{");
                self.body(level + 1);
            }
            _ => self.line(&format!("return {call}")),
        }
    }
}

/// Code that may be good Go, and mostly is not.
pub(crate) fn corrupted(rng: &mut Rng) -> String {
    const PIECES: &[&str] = &[
        "if mark() {\n\tx()\n}",
        "for i := range mark() {\n\ty(i)\n}",
        "x := []int{1, mark()}",
        "defer mark()",
        "switch mark() {\ncase 1:\n\tz()\ndefault:\n}",
        "go func() { mark() }()",
        "var a, b = mark(), `r`",
        "return mark(), nil",
        "m[\"a\"] = T{A: mark()}.b",
        "func() { mark() }()",
    ];
    const TOKENS: &[&str] =
        &["{", "}", "(", ")", "x", ":=", "=", ",", ";", "if", "else", "func", "return", "1", "\"s\"", "defer", "]", ":", "."];
    let piece = PIECES[rng.below(PIECES.len())];
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in piece.chars() {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        words.push(c.to_string());
    }
    words.push(word);
    for _ in 0..1 + rng.below(2) {
        let at = rng.below(words.len());
        match rng.below(3) {
            0 => {
                words.remove(at);
            }
            1 => words.insert(at, TOKENS[rng.below(TOKENS.len())].to_owned()),
            _ => words[at] = TOKENS[rng.below(TOKENS.len())].to_owned(),
        }
        if words.is_empty() {
            return "mark()".to_owned();
        }
    }
    words.concat()
}
