package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// doorless are the folders whose text every door spells in its user's words.
var doorless = []string{
	"internal/image", "internal/containers", "internal/baremetal", "internal/aquilon", "internal/factory", "internal/onboarding",
	"internal/openstack", "internal/registry", "internal/queue", "internal/change", "internal/foreignfile",
}

// spellings are what belongs to one door, by what is wrong with it.
var spellings = []struct {
	wrong   string
	pattern *regexp.Regexp
}{
	{"names a program: use fault.Do", regexp.MustCompile(`\b(imgctl|openstack|packer) [a-z]`)},
	{"has a flag: use fault.Option or fault.Set", regexp.MustCompile(`(^|[ "'(=])--[a-z]`)},
	{"has a command or option in backquotes: use fault.Do, fault.Option or fault.Set", regexp.MustCompile("`[a-z][^`]*`")},
	{"has a setting in a template's words: use fault.Set", regexp.MustCompile(`(^|[ (,;])[a-z]+(_[a-z]+)* = ["\[tf0-9%]`)},
}

// inFaults is what a message or advice of a fault must not have in addition.
var inFaults = regexp.MustCompile(`\b[a-z]+(_[a-z]+)+\b`)

// spelled are literals that look like a door's words and are not, with what they are.
var spelled = map[string]string{
	"imgctl claim": "an image's name",
	"--all":        "quattor's flag",
	"--git":        "what git's patches begin with",
	"imgctl image": "an image's name",
}

func TestSubjectsAndClientsUseNoDoorsWords(t *testing.T) {
	t.Parallel()
	files := 0
	for _, folder := range doorless {
		for _, file := range sources(t, folder) {
			files++
			for _, complaint := range wordings(t, file, nil) {
				t.Error(complaint)
			}
		}
	}
	if files < 50 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestADoorsWordsAreSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expr string
		bad  bool
	}{
		"a command":           {`errors.New("run imgctl share list")`, true},
		"another program's":   {`errors.New("run openstack image list")`, true},
		"a flag":              {`errors.New("use --prune")`, true},
		"backquotes":          {`errors.New("use ` + "`" + `prune` + "`" + `")`, true},
		"a setting":           {`errors.New("use most_recent = true")`, true},
		"a list":              {`errors.New("use accept_with = [...]")`, true},
		"an option":           {`fault.New(fault.Usage, "", "image_name: too long")`, true},
		"an option in advice": {`fault.New(fault.Usage, fault.Advise("set image_name"), "too long")`, true},
		"a reference":         {`fault.New(fault.Usage, fault.Advise("set %s", fault.Option("image_name")), "too long")`, false},
		"an option of Bad":    {`fault.Bad("image_name", "", "too long")`, false},
		"a property":          {`patch.Set("imgctl_run", "x")`, false},
		"prose":               {`fault.New(fault.Usage, "give the id", "an image -- or two -- of imgctl")`, false},
	} {
		text := "package p\nvar x = " + c.expr + "\n"
		if got := wordings(t, name+".go", text); (len(got) > 0) != c.bad {
			t.Errorf("%s: complaints %q, want some: %v", name, got, c.bad)
		}
	}
}

// sources are the Go files of a folder and all below it that aren't tests.
func sources(t *testing.T, folder string) (files []string) {
	t.Helper()
	root := filepath.Join("..", "..", filepath.FromSlash(folder))
	if _, err := os.Stat(root); err != nil {
		return nil // still to come
	}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wordings are the file's literals that have a door's words, each with its place and what is wrong.
func wordings(t *testing.T, file string, text any) (complaints []string) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	complain := func(lit *ast.BasicLit, value, wrong string) {
		complaints = append(complaints, set.Position(lit.Pos()).String()+": "+strconv.Quote(value)+" "+wrong)
	}
	literals(parsed, func(lit *ast.BasicLit, value string, ofFault bool) {
		if spelled[value] != "" {
			return
		}
		for _, s := range spellings {
			if s.pattern.MatchString(value) {
				complain(lit, value, s.wrong)
			}
		}
		if ofFault && inFaults.MatchString(value) {
			complain(lit, value, "names an option: use fault.Option, fault.Set or fault.Bad")
		}
	})
	return complaints
}

// literals visits all string literals but tags and imports, and tells those that are part of a
// fault's message or advice.
func literals(file *ast.File, visit func(lit *ast.BasicLit, value string, ofFault bool)) {
	of := map[ast.Node]bool{} // literals in a fault's text
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fun, _ := call.Fun.(*ast.SelectorExpr)
		if fun == nil {
			return true
		}
		from, _ := fun.X.(*ast.Ident)
		if from == nil || from.Name != "fault" {
			return true
		}
		for n, arg := range call.Args {
			switch fun.Sel.Name {
			case "New", "Wrap", "Advise":
				of[arg] = true
			case "Bad":
				of[arg] = n > 0
			}
		}
		return true
	})
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil {
				n.Tag = nil
			}
		case *ast.BasicLit:
			if value, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				visit(n, value, of[n])
			}
		}
		return true
	})
}
