package cloudsyaml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// chooseRegion is the wanted region or the first one, with the values that the entry has for it.
func chooseRegion(own, vendor tree, wanted string) (name string, values tree, err error) {
	regions, err := ownRegions(own)
	if err != nil {
		return "", nil, err
	}
	listed := len(regions) > 1 || own["regions"] != nil
	if len(regions) == 0 {
		if regions, err = ownRegions(vendor); err != nil {
			return "", nil, err
		}
	}
	if len(regions) == 0 {
		return wanted, nil, nil
	}
	if wanted == "" {
		return regions[0].name, regions[0].values, nil
	}
	if i := slices.IndexFunc(regions, func(r region) bool { return r.name == wanted }); i >= 0 {
		return wanted, regions[i].values, nil
	}
	if listed {
		var names []string
		for _, r := range regions {
			names = append(names, r.name)
		}
		return "", nil, fmt.Errorf("region %q is not one of its regions, which are %s", wanted, strings.Join(names, ", "))
	}
	return wanted, nil, nil
}

type region struct {
	name   string
	values tree
}

// ownRegions are those that the mapping names: a list of names or of names with values, or
// region_name, which may be a list as well.
func ownRegions(from tree) ([]region, error) {
	list, isList := from["regions"].([]any)
	switch {
	case isList:
	case from["regions"] != nil:
		return nil, errors.New("regions has to be a list")
	default:
		if list, isList = from["region_name"].([]any); !isList && text(from["region_name"]) != "" {
			for name := range strings.SplitSeq(text(from["region_name"]), ",") {
				list = append(list, name)
			}
		}
	}
	var regions []region
	for _, item := range list {
		r, err := readRegion(item)
		if err != nil {
			return nil, err
		}
		regions = append(regions, r)
	}
	return regions, nil
}

func readRegion(item any) (region, error) {
	t, ok := item.(tree)
	if !ok {
		if text(item) == "" {
			return region{}, errors.New("regions: one of them has no name")
		}
		return region{name: text(item)}, nil
	}
	r := region{name: text(t["name"])}
	if r.name == "" {
		return r, errors.New("regions: one of them has no name")
	}
	for key, value := range t {
		values, isTree := value.(tree)
		switch {
		case key == "name" || key == "values" && value == nil:
		case key == "values" && isTree:
			r.values = values
		case key == "values":
			return r, fmt.Errorf("regions: the values of %q are no mapping", r.name)
		default:
			return r, fmt.Errorf("regions: %q has %s, but only name and values count", r.name, key)
		}
	}
	return r, nil
}
