package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// module is one of others that a program is made of.
type module struct{ Path, Version, Sum string }

// madeOf reads what programs are made of out of themselves, in order.
func madeOf(programs ...string) ([]module, error) {
	found := map[string]module{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, err
		}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			found[d.Path+"@"+d.Version] = module{d.Path, d.Version, d.Sum}
		}
		found["std@"+info.GoVersion] = module{Path: "std", Version: info.GoVersion}
	}
	all := make([]module, 0, len(found))
	for _, m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version))
	})
	return all, nil
}

// note remembers what a program is made of, for the licences.
func (r *release) note(program string) error {
	all, err := madeOf(program)
	for _, m := range all {
		r.modules[m.Path+"@"+m.Version] = m
	}
	return err
}

// sbom writes what programs are made of as CycloneDX.
func (r *release) sbom(to, name string, programs ...string) error {
	all, err := madeOf(programs...)
	if err != nil {
		return err
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: r.at.Format("2006-01-02T15:04:05Z"),
		Component: &cdx.Component{
			BOMRef: name, Type: cdx.ComponentTypeApplication, Name: name, Version: r.version,
			PackageURL: "pkg:golang/github.com/imgctl/packer-plugin-openstack@v" + r.version,
		},
	}
	components := make([]cdx.Component, len(all))
	refs := make([]string, len(all))
	for i, m := range all {
		url := "pkg:golang/" + m.Path + "@" + m.Version
		components[i] = cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: url}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && m.Sum != "" {
			components[i].Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
		}
		refs[i] = url
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: name, Dependencies: &refs}}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := cdx.NewBOMEncoder(f, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// licencesFile holds the licences of everything that the programs are made of.
const licencesFile = "THIRD-PARTY-LICENSES.txt"

// licences collects the texts of the modules' licences. A module without one is an error: it may not be shipped.
func (r *release) licences(ctx context.Context) error {
	var names []string
	for name, m := range r.modules {
		if m.Path != "std" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	folders, err := r.folders(ctx, names)
	if err != nil {
		return err
	}
	goroot, err := r.command(ctx, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	folders["Go's standard library"] = strings.TrimSpace(goroot)
	names = append(names, "Go's standard library")
	var text strings.Builder
	text.WriteString("packer-plugin-openstack and imgctl contain the following software, each under its own licence.\n")
	for _, name := range names {
		texts, err := licenceTexts(folders[name])
		if err != nil {
			return err
		}
		if len(texts) == 0 {
			return fmt.Errorf("%s has no licence in %s", name, folders[name])
		}
		fmt.Fprintf(&text, "\n%s\n%s\n\n%s", strings.Repeat("=", 80), name, strings.Join(texts, "\n"))
	}
	return os.WriteFile(filepath.Join(r.out, licencesFile), []byte(text.String()), 0o644)
}

// folders are where the modules' sources are.
func (r *release) folders(ctx context.Context, names []string) (map[string]string, error) {
	out, err := r.command(ctx, nil, "go", append([]string{"mod", "download", "-json"}, names...)...)
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for in := json.NewDecoder(strings.NewReader(out)); in.More(); {
		var m struct{ Path, Version, Dir string }
		if err := in.Decode(&m); err != nil {
			return nil, err
		}
		folders[m.Path+"@"+m.Version] = m.Dir
	}
	return folders, nil
}

func licenceTexts(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"}, func(start string) bool {
			return strings.HasPrefix(name, start)
		}) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}
