// Judges edited files with Go's own parser and printer: one JSON line for each case.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"strings"
)

type Case struct {
	Base, Out, Target string
}

type Verdict struct {
	// Whether Go's parser takes the text before and after, and whether gofmt would leave it alone.
	BaseParses, OutParses, BaseClean, OutClean bool
	// Declarations that are not the same text as before, and whether all are still there in their order.
	Changed []string
	Same    bool
	Error   string
}

func names(file *ast.File, text []byte, set *token.FileSet) (all []string, texts map[string]string) {
	texts = map[string]string{}
	add := func(name string, node ast.Node) {
		for texts[name] != "" {
			name += "'"
		}
		all = append(all, name)
		said := string(text[set.Position(node.Pos()).Offset:set.Position(node.End()).Offset])
		if _, ok := node.(*ast.ValueSpec); ok {
			// A new entry may move the columns of its neighbours.
			said = strings.Join(strings.Fields(said), " ")
		}
		texts[name] = said
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				kind := decl.Recv.List[0].Type
				if star, ok := kind.(*ast.StarExpr); ok {
					kind = star.X
				}
				switch generic := kind.(type) {
				case *ast.IndexListExpr:
					kind = generic.X
				case *ast.IndexExpr:
					kind = generic.X
				}
				name = kind.(*ast.Ident).Name + "." + name
			}
			add(name, decl)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name.Name, spec)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name.Name, spec)
					}
				}
			}
		}
	}
	return all, texts
}

func judge(c Case) (v Verdict) {
	set := token.NewFileSet()
	base, err := parser.ParseFile(set, "base.go", c.Base, parser.ParseComments|parser.SkipObjectResolution)
	v.BaseParses = err == nil
	out, err := parser.ParseFile(set, "out.go", c.Out, parser.ParseComments|parser.SkipObjectResolution)
	v.OutParses = err == nil
	if err != nil {
		v.Error = err.Error()
	}
	clean := func(text string) bool {
		formatted, err := format.Source([]byte(text))
		return err == nil && bytes.Equal(formatted, []byte(text))
	}
	v.BaseClean, v.OutClean = clean(c.Base), clean(c.Out)
	if !v.BaseParses || !v.OutParses {
		return v
	}
	before, old := names(base, []byte(c.Base), set)
	after, now := names(out, []byte(c.Out), set)
	v.Same = fmt.Sprint(before) == fmt.Sprint(after)
	for _, name := range before {
		if old[name] != now[name] {
			v.Changed = append(v.Changed, name)
		}
	}
	return v
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	in, out := json.NewDecoder(file), json.NewEncoder(os.Stdout)
	format := len(os.Args) > 2
	for in.More() {
		var c Case
		if err := in.Decode(&c); err != nil {
			panic(err)
		}
		if format {
			out.Encode(gofmt(c.Base))
		} else {
			out.Encode(judge(c))
		}
	}
}

func gofmt(text string) string {
	formatted, err := format.Source([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, text))
	}
	return string(formatted)
}
