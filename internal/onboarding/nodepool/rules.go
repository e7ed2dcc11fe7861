package nodepool

import (
	"fmt"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

func text(k *checker, v *foreignfile.Value, path string) {
	switch {
	case v.Kind == foreignfile.Number || v.Kind == foreignfile.Boolean:
		k.add(v, Error, path, "text is expected here, not %s: put %s in quotes", v.Kind, v.Text)
	case v.Kind != foreignfile.String:
		k.add(v, Error, path, "text is expected here, not %s", v.Kind)
	case v.Text == "":
		k.add(v, Error, path, "text is expected here; it is empty")
	}
}

// value is text, or a whole number.
func value(k *checker, v *foreignfile.Value, path string) {
	if _, err := integer(v); err != nil {
		text(k, v, path)
	}
}

func boolean(k *checker, v *foreignfile.Value, path string) {
	if v.Kind != foreignfile.Boolean {
		k.add(v, Error, path, "true or false is expected here, not %s", v.Kind)
	}
}

// from is a whole number of at least least.
func from(least int64) rule {
	return func(k *checker, v *foreignfile.Value, path string) {
		switch n, err := integer(v); {
		case err != nil && v.Kind == foreignfile.String:
			k.add(v, Error, path, "a whole number is expected here, not text: write it without quotes")
		case err != nil:
			k.add(v, Error, path, "a whole number is expected here, not %s", v.Kind)
		case n < least:
			k.add(v, Error, path, "%d is less than %d", n, least)
		}
	}
}

func integer(v *foreignfile.Value) (int64, error) {
	if v == nil || v.Kind != foreignfile.Number {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(v.Text, 10, 64)
}

// decimal is a number, or text that is one.
func decimal(k *checker, v *foreignfile.Value, path string) {
	f, err := strconv.ParseFloat(v.Text, 64)
	if v.Kind != foreignfile.Number && v.Kind != foreignfile.String || err != nil || f < 0 {
		k.add(v, Error, path, "a number of at least 0 is expected here")
	}
}

func dict(k *checker, v *foreignfile.Value, path string) {
	if v.Kind != foreignfile.Map {
		k.add(v, Error, path, "a mapping is expected here, not %s", v.Kind)
	}
}

// texts is a mapping of texts.
func texts(k *checker, v *foreignfile.Value, path string) {
	dict(k, v, path)
	for _, p := range v.Pairs {
		if p.Value.IsNull() {
			k.addAt(p.Line, p.Column, Error, path, "%s: it is empty", p.Key)
		} else if p.Value.Kind != foreignfile.String || p.Value.Text != "" { // an empty text is a value of a variable
			text(k, p.Value, path+"/"+p.Key)
		}
	}
}

// meta is what an image gets as its properties.
func meta(k *checker, v *foreignfile.Value, path string) {
	dict(k, v, path)
	if len(v.Pairs) > 5 {
		k.add(v, Warning, path, "meta has %d entries: older versions of nodepool drop them all if there are more than 5", len(v.Pairs))
	}
	for _, p := range v.Pairs {
		if len(p.Key) > 255 || p.Value != nil && len(p.Value.Text) > 255 {
			k.addAt(p.Line, p.Column, Warning, path, "%.20s...: older versions of nodepool drop all entries if one is longer than 255 "+
				"characters", p.Key)
		}
	}
}

func list(of rule) rule {
	return func(k *checker, v *foreignfile.Value, path string) {
		if v.Kind != foreignfile.List {
			k.add(v, Error, path, "a list is expected here, not %s", v.Kind)
			return
		}
		for n, item := range v.Items {
			if item.IsNull() {
				k.add(item, Error, path, "an item is empty")
				continue
			}
			of(k, item, fmt.Sprintf("%s/%d", path, n))
		}
	}
}

// named is a list of mappings with a name, each of them once.
func named(s shape) rule {
	return func(k *checker, v *foreignfile.Value, path string) {
		if v.Kind != foreignfile.List {
			k.add(v, Error, path, "a list is expected here, not %s", v.Kind)
			return
		}
		seen := map[string]*foreignfile.Value{}
		for n, item := range v.Items {
			name := item.Get("name")
			if name == nil || name.Text == "" {
				k.mapping(item, fmt.Sprintf("%s/%d", path, n), s)
				continue
			}
			if first := seen[name.Text]; first != nil {
				k.add(name, Error, path, "there is another %q, on line %d", name.Text, first.Line)
			} else {
				seen[name.Text] = name
			}
			k.mapping(item, path+"/"+name.Text, s)
		}
	}
}

func of(s shape) rule {
	return func(k *checker, v *foreignfile.Value, path string) { k.mapping(v, path, s) }
}
