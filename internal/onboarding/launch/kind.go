package launch

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

// kind declares a kind of resource.
type kind struct {
	name, noun string
	in         *collection
	reads      []*collection // that judging it takes
	fields     []field
	change     string // the method of updates; "" if nothing of it can be updated
	loses      bool   // removing it loses data for good
	twice      bool   // two runs at once on different machines could both create it: look again

	// find finds the resource; default by its name among the project's own.
	find func(ctx context.Context, w *world, k *kind, r *layout.Resource) ([]object, error)
	// complete adds to the body of a new one.
	complete func(ctx context.Context, w *world, r *layout.Resource, body object) error
	// beside is what a request for a new one has beside its body.
	beside func(r *layout.Resource) map[string]any
	// parts are what else belongs to the resource, such as a router's interfaces; o is nil if it isn't there yet.
	parts func(ctx context.Context, w *world, r *layout.Resource, o object) ([]part, error)
	// ready waits until a new one can be used.
	ready func(ctx context.Context, w *world, id string) error
	// clear makes one removable.
	clear func(ctx context.Context, w *world, o object) error
	// judge decides what a resource needs; default is judgeOne.
	judge func(ctx context.Context, w *world, k *kind, r *layout.Resource) (verdict, error)
	// mark is where the service keeps our mark; marked reads it, "" if there is none.
	mark   func(body object, name string)
	marked func(o object) string
}

// field is one value of a resource.
type field struct {
	key  string // in layouts
	attr string // in the service's objects; default is the key
	// refers is the kind of resource whose name the value is; the object has its id.
	refers string
	// fixed values can't be changed: one that differs is a conflict. Those that are onlyNew are sent for a new resource,
	// and never compared.
	fixed, onlyNew bool
	std            any // what the value is if the layout has none, for a new resource and for comparing; nil for nothing
	// same compares; default is by value, lists without order.
	same func(have, want any) bool
	// send is the value as the service takes it.
	send func(want any) any
}

func (f *field) attribute() string {
	if f.attr != "" {
		return f.attr
	}
	return f.key
}

// part is a change that belongs to a resource.
type part struct {
	what string // such as "interface subnet-1"
	do   func(ctx context.Context, id string) error
}

// verdict is what a resource needs.
type verdict struct {
	action, reason, id string
	note               string // that people should know
	do                 func(ctx context.Context) (id string, err error)
}

var byName map[string]*kind

func init() {
	byName = map[string]*kind{}
	for _, k := range []*kind{
		domains, projects, users, roles, userRoles, quotas, networks, subnets, routers, flavors, images, groups, rules, keypairs,
		volumes, servers,
	} {
		if k.judge == nil {
			k.judge = judgeOne
		}
		if k.find == nil {
			k.find = findByName
		}
		if k.in != nil && len(k.reads) == 0 {
			k.reads = []*collection{k.in}
		}
		byName[k.name] = k
	}
}

// kindOf is the kind of a step; that of a whole cloud is one without a name.
func kindOf(name string) *kind {
	if k := byName[name]; k != nil {
		return k
	}
	return &kind{noun: "cloud"}
}

func findByName(ctx context.Context, w *world, k *kind, r *layout.Resource) ([]object, error) {
	all, err := w.all(ctx, k.in)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool { return o.text("name") != r.Name }), nil
}

// judgeOne decides what a resource needs that is one object of a collection, and perhaps parts.
func judgeOne(ctx context.Context, w *world, k *kind, r *layout.Resource) (v verdict, err error) {
	found, err := k.find(ctx, w, k, r)
	switch {
	case r.Absent && fault.Is(err, fault.NotFound): // such as the domain that it would be in
		return verdict{action: Same, reason: "it isn't there"}, nil
	case err != nil:
		return v, err
	case len(found) > 1:
		return v, several(k, found)
	case r.Absent && len(found) == 0:
		return verdict{action: Same, reason: "it isn't there"}, nil
	case r.Absent:
		return w.removal(k, found[0]), nil
	}
	want, err := w.want(ctx, k, r)
	if err != nil {
		return v, err
	}
	var have object
	if len(found) == 1 {
		have = found[0]
	}
	var parts []part
	if k.parts != nil {
		if parts, err = k.parts(ctx, w, r, have); err != nil {
			return v, err
		}
	}
	if have == nil {
		return w.creation(k, r, want, parts), nil
	}
	return w.update(k, have, want, parts)
}

func several(k *kind, found []object) error {
	ids := make([]string, len(found))
	for n, o := range found {
		ids[n] = o.id()
	}
	return fault.New(fault.Ambiguous, "remove or rename all but one", "%d of the project's %s have the name: %s", len(found), k.in.key,
		strings.Join(ids, ", "))
}

// wanted is a field's value; pending says that it names a resource that an earlier step creates.
type wanted struct {
	field   *field
	value   any
	pending bool
}

// want are the values that a resource is to have, with names replaced by ids.
func (w *world) want(ctx context.Context, k *kind, r *layout.Resource) ([]wanted, error) {
	var all []wanted
	for n := range k.fields {
		f := &k.fields[n]
		value, given := r.Fields[f.key]
		if !given {
			value = f.std
		}
		if value == nil {
			continue
		}
		one := wanted{field: f, value: value}
		if f.refers != "" {
			id, err := w.ref(ctx, f.refers, fmt.Sprint(value), r)
			if err != nil {
				return nil, err
			}
			one.value, one.pending = id, id == ""
		}
		if f.send != nil {
			one.value = f.send(one.value)
		}
		all = append(all, one)
	}
	return all, nil
}

// ref is the id of the resource that a layout names; "" while planning if an earlier step creates it.
func (w *world) ref(ctx context.Context, kindName, name string, by *layout.Resource) (string, error) {
	k := byName[kindName]
	asked := &layout.Resource{Kind: kindName, Name: name, Fields: layout.Fields{}}
	if domain := by.Fields.Text("domain"); domain != "" && kindName != "domains" {
		asked.Fields["domain"] = domain
	}
	ofProject := slices.Contains([]string{"networks", "subnets", "security_groups"}, kindName)
	if project := by.Fields.Text("project"); project != "" && ofProject {
		asked.Fields["project"] = project
	}
	found, err := k.find(ctx, w, k, asked)
	if err == nil && len(found) == 0 && !w.expected[kindName+"\x00"+name] {
		found, err = w.elsewhere(ctx, k, name)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("looking for %s %q: %w", k.noun, name, err)
	case len(found) > 1:
		return "", fmt.Errorf("%s %q: %w", k.noun, name, several(k, found))
	case len(found) == 1:
		return found[0].id(), nil
	case w.planning && w.expected[kindName+"\x00"+name]:
		return "", nil
	}
	return "", fault.New(fault.NotFound, "check the name, and that the project sees it", "there is no %s %q", k.noun, name)
}

// creation makes a new one, and its parts.
func (w *world) creation(k *kind, r *layout.Resource, want []wanted, parts []part) verdict {
	return verdict{action: Create, reason: "it isn't there", do: func(ctx context.Context) (string, error) {
		body := object{"name": r.Name}
		for _, one := range want {
			body[one.field.attribute()] = one.value
		}
		if k.mark != nil {
			k.mark(body, w.asked.Name)
		}
		if k.complete != nil {
			if err := k.complete(ctx, w, r, body); err != nil {
				return "", err
			}
		}
		request := map[string]any{k.in.one: body}
		if k.beside != nil {
			maps.Copy(request, k.beside(r))
		}
		var made map[string]object
		there := func(ctx context.Context) (bool, error) {
			w.forget(k.in)
			found, err := k.find(ctx, w, k, r)
			if err == nil && len(found) == 1 {
				made = map[string]object{k.in.one: found[0]}
			}
			return len(found) == 1, err
		}
		err := w.write(ctx, k.in.service, http.MethodPost, k.in.path, request, &made, there)
		w.forget(k.in)
		if fault.Is(err, fault.Conflict) { // somebody else may have been first, such as another region's turn
			if is, _ := there(ctx); is {
				err = nil
			}
		}
		if err != nil {
			return "", err
		}
		id := made[k.in.one].id()
		if k.twice {
			if found, err := k.find(ctx, w, k, r); err == nil && len(found) > 1 {
				return id, fmt.Errorf("another run has created it at the same time: %w", several(k, found))
			}
		}
		if k.ready != nil {
			if err := k.ready(ctx, w, id); err != nil {
				return id, err
			}
		}
		return id, w.doParts(ctx, k, id, parts)
	}}
}

func (w *world) doParts(ctx context.Context, k *kind, id string, parts []part) error {
	for _, p := range parts {
		if err := p.do(ctx, id); err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
	}
	if len(parts) > 0 {
		w.forget(k.in)
	}
	return nil
}

// update compares an object with what it is to be.
func (w *world) update(k *kind, have object, want []wanted, parts []part) (verdict, error) {
	body := object{}
	var changes, fixed []string
	for _, one := range want {
		f := one.field
		if f.onlyNew || !one.pending && f.equal(have[f.attribute()], one.value) {
			continue
		}
		if f.fixed || k.change == "" {
			fixed = append(fixed, fmt.Sprintf("%s is %s, not %s", f.key, shown(have[f.attribute()]), shown(one.value)))
			continue
		}
		body[f.attribute()] = one.value
		changes = append(changes, fmt.Sprintf("%s: %s -> %s", f.key, shown(have[f.attribute()]), shown(one.value)))
	}
	if len(fixed) > 0 {
		return verdict{}, fault.New(fault.Conflict, fault.Advice{}, "%s, and can't be changed", strings.Join(fixed, ", "))
	}
	for _, p := range parts {
		changes = append(changes, p.what)
	}
	id := have.id()
	if len(changes) == 0 {
		return verdict{action: Same, id: id}, nil
	}
	return verdict{action: Update, reason: strings.Join(changes, ", "), id: id, do: func(ctx context.Context) (string, error) {
		if len(body) > 0 {
			if k.mark != nil && k.marked(have) != "" {
				k.mark(body, k.marked(have)) // it stays
			}
			path := k.in.path + "/" + id
			done := func(ctx context.Context) (bool, error) {
				var now map[string]object
				if err := w.get(ctx, k.in.service, path, &now); err != nil {
					return false, err
				}
				return reflects(now[k.in.one], want), nil
			}
			err := w.write(ctx, k.in.service, k.change, path, map[string]any{k.in.one: body}, nil, done)
			w.forget(k.in)
			if err != nil {
				return id, err
			}
		}
		return id, w.doParts(ctx, k, id, parts)
	}}, nil
}

// reflects reports whether an object has the values.
func reflects(o object, want []wanted) bool {
	for _, one := range want {
		if !one.field.onlyNew && !one.field.equal(o[one.field.attribute()], one.value) {
			return false
		}
	}
	return true
}

func (w *world) removal(k *kind, o object) verdict {
	return verdict{action: Absent, id: o.id(), do: func(ctx context.Context) (string, error) {
		if k.clear != nil {
			if err := k.clear(ctx, w, o); err != nil {
				return o.id(), err
			}
		}
		return o.id(), w.remove(ctx, k.in, o.id())
	}}
}
