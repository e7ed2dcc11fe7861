package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writing is how the help of a flag says that the command writes the file.
var writing = regexp.MustCompile(`(^"| )(also )?writes? |to write|keep .* in this file`)

// undeclared are the flags and arguments for files whose help says that they are written, and that don't say Writes,
// by which imgctl knows what it must not overwrite.
func undeclared(file *ast.File) (found []string) {
	declared := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Writes" || declared[call]) {
			declared[s.X] = true // along the chain of methods
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || s.Sel.Name != "File" || len(call.Args) != 3 {
			return true
		}
		if pkg, ok := s.X.(*ast.Ident); !ok || pkg.Name != "sdk" {
			return true
		}
		name, _ := call.Args[0].(*ast.BasicLit)
		text := ""
		ast.Inspect(call.Args[2], func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				text += lit.Value
			}
			return true
		})
		if writing.MatchString(text) && !declared[call] && name != nil {
			found = append(found, name.Value)
		}
		return true
	})
	return found
}

func TestWrittenFilesAreDeclared(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../../plugins", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, flag := range undeclared(file) {
			t.Errorf("%s: the flag %s names a file to write: say so with Writes()", path, flag)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnUndeclaredFileIsSeen(t *testing.T) {
	t.Parallel()
	text := `package p
var (
	_ = sdk.File("a", "", "write a page to this file").ValueName("FILE").Required()
	_ = sdk.File("b", "", "file to write").Writes()
	_ = sdk.File("c", "", "file to read")
	_ = sdk.File("d", "", "write a page to this file").ValueName("FILE").Writes().Required()
)`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(undeclared(file), " "); got != `"a"` {
		t.Errorf("found %s", got)
	}
}
