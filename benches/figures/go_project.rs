//! A Go program of the size of k0sctl, made here: a few hundred small packages on a good part of the standard library.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::child::{git, output};
use super::project::Project;

/// Packages of the program.
const PACKAGES: usize = 250;

/// Makes the upstream `tool` with one release and a series of one patch, and its recipe.
pub(crate) fn make(project: &Project) {
    let upstream = project.path().join("upstream");
    fs::create_dir_all(&upstream).unwrap();
    sources(&upstream);
    let git = |words: &[&str]| output(git(&upstream).args(words));
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "sources"]);
    git(&["tag", "v1.0.0"]);
    let main = fs::read_to_string(upstream.join("main.go")).unwrap();
    fs::write(upstream.join("main.go"), main.replace("\"hello\"", "\"patched\"")).unwrap();
    git(&["commit", "-q", "-a", "-m", "say it differently"]);
    let series = project.path().join("patches/tool/differently");
    fs::create_dir_all(&series).unwrap();
    git(&["format-patch", "-q", "--full-index", "-1", "-o", series.to_str().unwrap()]);
    git(&["reset", "-q", "--hard", "v1.0.0"]);
    project.write(
        "recipes/tool.toml",
        &format!(
            "description = \"of the size of k0sctl\"\n\n[component.tool]\ngit = {:?}\nversion = \"v1.0.0\"\nseries = [\"differently\"]\n\n\
             [[component.tool.build]]\ndriver = \"go\"\npackages = [\"main.go\"]\ntags = [\"netgo\", \"osusergo\"]\nldflags = [\"-s\", \"-w\"]\n\
             flags = [\"-trimpath\"]\n\n\
             [[component.tool.build]]\ndriver = \"make\"\ngoal = \"tool\"\noutput = \"tool\"\n",
            upstream.to_str().unwrap()
        ),
    );
}

fn sources(folder: &Path) {
    let version = "module bench.example/tool\n\ngo 1.21\n";
    fs::write(folder.join("go.mod"), version).unwrap();
    let mut main = String::from(
        "package main\n\nimport (\n\t\"crypto/tls\"\n\t\"encoding/json\"\n\t\"fmt\"\n\t\"html/template\"\n\t\"net/http\"\n\t\"os\"\n\n",
    );
    let mut calls = String::new();
    for n in 0..PACKAGES {
        let _ = writeln!(main, "\t\"bench.example/tool/pkg/p{n}\"");
        let _ = writeln!(calls, "\tsum += p{n}.Value(len(os.Args))");
        let mut text = format!("// Package p{n} is one of many.\npackage p{n}\n\nimport \"strconv\"\n\n");
        if n > 2 {
            text = text
                .replace("import \"strconv\"", &format!("import (\n\t\"strconv\"\n\n\t\"bench.example/tool/pkg/p{}\"\n)", n / 2));
        }
        let inner = if n > 2 { format!("p{}.Value(n)", n / 2) } else { "n".to_owned() };
        let _ =
            writeln!(text, "// Value is a number.\nfunc Value(n int) int {{\n\treturn len(strconv.Itoa({inner})) + {n}\n}}\n");
        for k in 0..20 {
            let _ = writeln!(
                text,
                "// F{k} is there for its size.\nfunc F{k}(s string) string {{\n\treturn s + strconv.Itoa({k}+len(s))\n}}\n"
            );
        }
        let package = folder.join(format!("pkg/p{n}"));
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("p.go"), text).unwrap();
    }
    main.push_str(")\n\nfunc main() {\n\tsum := 0\n");
    main.push_str(&calls);
    main.push_str(
        "\tserver := &http.Server{TLSConfig: &tls.Config{}}\n\tpage := template.Must(template.New(\"x\").Parse(\"{{.}}\"))\n\
         \ttext, _ := json.Marshal(sum)\n\tfmt.Println(\"hello\", string(text), server.Addr, page.Name())\n}\n",
    );
    fs::write(folder.join("main.go"), main).unwrap();
    let line = "go build -trimpath -buildvcs=false -tags netgo,osusergo -ldflags '-s -w' -o tool main.go";
    fs::write(folder.join("Makefile"), format!(".PHONY: tool\ntool:\n\t{line}\n")).unwrap();
}
