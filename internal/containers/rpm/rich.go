package rpm

import (
	"fmt"
	"slices"
	"strings"
)

// rich is a boolean dependency, such as "(a >= 1 or (b if c else d))".
type rich struct {
	one         Dependency // where there is no operator
	op          string
	left, right *rich
	otherwise   *rich // after else
}

const maxRichDepth = 50

type richParser struct {
	text  string
	depth int
}

func parseRich(text string) (*rich, error) {
	p := &richParser{text: text}
	r, err := p.group()
	if err == nil && p.text != "" {
		err = fmt.Errorf("%.100q after its end", p.text)
	}
	if err != nil {
		return nil, fmt.Errorf("dependency %.200q: %w", text, err)
	}
	return r, nil
}

func (p *richParser) skip() { p.text = strings.TrimLeft(p.text, " \t,") }

func (p *richParser) take(prefix string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.text, prefix)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *richParser) group() (*rich, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxRichDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxRichDepth)
	}
	if !p.take("(") {
		return nil, fmt.Errorf("no parenthesis")
	}
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	for !p.take(")") {
		op := p.word()
		if !slices.Contains([]string{"and", "or", "if", "unless", "with", "without"}, op) {
			return nil, fmt.Errorf("%.100q is no operator", op)
		}
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		left = &rich{op: op, left: left, right: right}
		if op == "if" || op == "unless" {
			if rest := p.text; p.word() == "else" {
				if left.otherwise, err = p.term(); err != nil {
					return nil, err
				}
			} else {
				p.text = rest
			}
		}
	}
	return left, nil
}

// word is the next run without spaces; parentheses in it are balanced.
func (p *richParser) word() string {
	p.skip()
	depth, n := 0, 0
	for ; n < len(p.text); n++ {
		c := p.text[n]
		if c == ' ' || c == '\t' || c == ',' || c == ')' && depth == 0 {
			break
		}
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	w := p.text[:n]
	p.text = p.text[n:]
	return w
}

func (p *richParser) term() (*rich, error) {
	p.skip()
	if strings.HasPrefix(p.text, "(") {
		return p.group()
	}
	d := Dependency{Name: p.word()}
	if d.Name == "" {
		return nil, fmt.Errorf("a name is missing")
	}
	p.skip()
	sign := p.text[:len(p.text)-len(strings.TrimLeft(p.text, "<>="))]
	if sign == "" {
		return &rich{one: d}, nil
	}
	for _, c := range sign {
		d.Flags |= map[rune]Sense{'<': Less, '>': Greater, '=': Equal}[c]
	}
	p.text = p.text[len(sign):]
	if d.EVR = p.word(); d.EVR == "" {
		return nil, fmt.Errorf("a version is missing after %s", d.Name)
	}
	return &rich{one: d}, nil
}

// Providers are the packages that satisfy a simple dependency.
type Providers func(Dependency) []*Package

// Satisfied reports whether the packages satisfy the dependency, which may be an expression.
func (d Dependency) Satisfied(by Providers) (bool, error) {
	if !d.Rich() {
		return len(by(d)) > 0, nil
	}
	r, err := parseRich(d.Name)
	if err != nil {
		return false, err
	}
	return r.satisfied(by), nil
}

func (r *rich) satisfied(by Providers) bool {
	switch r.op {
	case "":
		return len(by(r.one)) > 0
	case "and":
		return r.left.satisfied(by) && r.right.satisfied(by)
	case "or":
		return r.left.satisfied(by) || r.right.satisfied(by)
	case "with", "without":
		return len(r.set(by)) > 0
	}
	condition := r.right.satisfied(by)
	switch {
	case r.op == "if" && condition, r.op == "unless" && !condition:
		return r.left.satisfied(by)
	case r.otherwise != nil:
		return r.otherwise.satisfied(by)
	}
	return r.op == "if"
}

// set are the packages that satisfy all of an expression.
func (r *rich) set(by Providers) []*Package {
	switch r.op {
	case "":
		return by(r.one)
	case "or":
		return slices.Concat(r.left.set(by), r.right.set(by))
	case "with", "and", "without":
		right := r.right.set(by)
		return slices.DeleteFunc(slices.Clone(r.left.set(by)), func(p *Package) bool {
			return slices.Contains(right, p) == (r.op == "without")
		})
	}
	return nil
}

// IndexNames are the names under which the database lists an expression, apart from itself: a
// condition's begin with "!".
func (d Dependency) IndexNames() []string {
	r, err := parseRich(d.Name)
	if !d.Rich() || err != nil {
		return nil
	}
	var names []string
	r.names(false, func(not bool, name string) {
		mark := " "
		if not {
			mark = "!"
		}
		if !strings.HasPrefix(name, "rpmlib(") {
			names = append(names, mark+name)
		}
	})
	slices.Sort(names)
	names = slices.Compact(names)
	for n := range names {
		names[n] = strings.TrimPrefix(names[n], " ")
	}
	return names
}

func (r *rich) names(not bool, add func(not bool, name string)) {
	if r.op == "" {
		add(not, r.one.Name)
		return
	}
	r.left.names(not, add)
	r.right.names(not != (r.op == "if" || r.op == "unless"), add)
	if r.otherwise != nil {
		r.right.names(not, add)
		r.otherwise.names(not, add)
	}
}
