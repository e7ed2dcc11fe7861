//go:build linux

package userland

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func init() { register(map[string]Command{"expr": expr}) }

// expr is the arithmetic and comparison of two operands, and length and match.
func expr(p *Proc) int {
	a := p.Args
	value := ""
	switch {
	case len(a) == 1:
		value = a[0]
	case len(a) == 2 && a[0] == "length":
		value = strconv.Itoa(len([]rune(a[1])))
	case len(a) == 3 && a[1] == ":":
		re, err := compile("^"+a[2], false, false)
		if err != nil {
			return p.Fail(err)
		}
		m := re.FindStringSubmatch(a[0])
		switch {
		case len(m) > 1:
			value = m[1]
		case m != nil:
			value = strconv.Itoa(len(m[0]))
		case re.NumSubexp() == 0:
			value = "0"
		}
	case len(a) >= 3:
		v, err := calculate(a)
		if err != nil {
			p.Fail(err)
			return 2
		}
		value = v
	default:
		return p.usage("EXPRESSION")
	}
	fmt.Fprintln(p.Out, value)
	if value == "" || value == "0" {
		return 1
	}
	return 0
}

// calculate works from left to right.
func calculate(a []string) (string, error) {
	left := a[0]
	for rest := a[1:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			return "", errors.New("syntax error")
		}
		x, errX := strconv.Atoi(left)
		y, errY := strconv.Atoi(rest[1])
		numeric := errX == nil && errY == nil
		c := strings.Compare(left, rest[1])
		if numeric {
			c = x - y
		}
		switch op := rest[0]; {
		case op == "=" || op == "==":
			left = strconv.Itoa(btoi(c == 0))
		case op == "!=":
			left = strconv.Itoa(btoi(c != 0))
		case op == "<":
			left = strconv.Itoa(btoi(c < 0))
		case op == "<=":
			left = strconv.Itoa(btoi(c <= 0))
		case op == ">":
			left = strconv.Itoa(btoi(c > 0))
		case op == ">=":
			left = strconv.Itoa(btoi(c >= 0))
		case !numeric:
			return "", errors.New("non-integer argument")
		case op == "+":
			left = strconv.Itoa(x + y)
		case op == "-":
			left = strconv.Itoa(x - y)
		case op == "*":
			left = strconv.Itoa(x * y)
		case y == 0:
			return "", errors.New("division by zero")
		case op == "/":
			left = strconv.Itoa(x / y)
		case op == "%":
			left = strconv.Itoa(x % y)
		default:
			return "", errors.New("syntax error")
		}
	}
	return left, nil
}
