//! The Go program that upstreams hold: small enough to compile in a moment.

use super::host::go_version;

/// What the program has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Program {
    /// It requires github.com/kardianos/service v1.2.2, from the module proxy.
    pub(crate) service: bool,
    /// It has a Makefile with a `go build` line, for `flags_from = "make"`.
    pub(crate) makefile: bool,
}

const MAIN: &str = r#"package main

import (
	"fmt"
	"os"
)

var version = "unset"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version)
		return
	}
	fmt.Println(greeting())
}
"#;

const GREET: &str = r#"package main

// greeting is what the program says.
func greeting() string {
	return "hello"
}
"#;

const SYSTEM: &str = r#"package main

import "github.com/kardianos/service"

func init() {
	if len(service.Platform()) == 0 {
		version += " nowhere"
	}
}
"#;

const GO_SUM: &str = "\
github.com/kardianos/service v1.2.2 h1:ZvePhAHfvo0A7Mftk/tEzqEZ7Q4lgnR8sGz4xu1YX60=
github.com/kardianos/service v1.2.2/go.mod h1:CIMRFEJVL+0DS1a3Nx06NaMn4Dz63Ng6O7dl0qH0zVM=
golang.org/x/sys v0.0.0-20201015000850-e3ed0017c211 h1:9UQO31fZ+0aKQOFldThf7BKPMJTiBfWycGh/u3UoO88=
golang.org/x/sys v0.0.0-20201015000850-e3ed0017c211/go.mod h1:h1NjWce9XRLGQEsW7wpKNCjG9DtNlClVuFLEZdDNbEs=
";

const MAKEFILE: &str = "\
VERSION ?= unset
app: $(wildcard *.go)
\tCGO_ENABLED=0 go build -trimpath -ldflags='-X main.version=$(VERSION)' -o app .
";

impl Program {
    /// Its files. `release` makes the trees of releases differ.
    pub(crate) fn files(self, release: &str) -> Vec<(String, String)> {
        let toolchain = go_version();
        let mut go_mod = format!("module forge.example/app\n\ngo 1.21\n\ntoolchain {toolchain}\n");
        let mut files = vec![("main.go", MAIN.to_owned()), ("greet.go", GREET.to_owned()), ("RELEASE", format!("{release}\n"))];
        if self.service {
            go_mod.push_str("\nrequire github.com/kardianos/service v1.2.2\n\n");
            go_mod.push_str("require golang.org/x/sys v0.0.0-20201015000850-e3ed0017c211 // indirect\n");
            files.push(("system.go", SYSTEM.to_owned()));
            files.push(("go.sum", GO_SUM.to_owned()));
        }
        if self.makefile {
            files.push(("Makefile", MAKEFILE.to_owned()));
        }
        files.push(("go.mod", go_mod));
        files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
    }
}
