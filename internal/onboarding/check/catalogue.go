package check

import (
	"context"
)

// kind is one check.
type kind struct {
	id, title string
	severity  Severity // unless the profile says another
	global    bool     // it is about all regions at once
	control   bool     // it needs the project of the mirror
	active    bool     // an active check tries it
	launched  bool     // launching the cloud does it
	run       func(ctx context.Context, e *env) finding
}

// catalogue are all checks, in the order of reports. It is filled by init because profiles name checks.
var catalogue []*kind

func init() {
	catalogue = []*kind{
		{id: "K1", title: "Keystone has TLS, with a certificate that can be verified", severity: Must, global: true, run: keystoneTLS},
		{
			id: "K3", title: "the mirror and the test nodes have projects and users of their own", severity: Must, global: true,
			control: true,
			run:     separate,
		},
		{id: "K4", title: "the users aren't administrators", severity: Warn, global: true, run: notAdmin},
		{id: "K2", title: "the catalog has the services, with TLS", severity: Must, run: services},
		{id: "G1", title: "images can be uploaded", severity: Must, active: true, run: upload},
		{id: "G2", title: "there is room for the images", severity: Must, run: imageQuota},
		{id: "G3", title: "images can be shared and hidden", severity: Info, run: imageFeatures},
		{id: "N1", title: "a flavor fits the test nodes", severity: Must, run: testFlavor},
		{id: "N2", title: "a flavor fits the mirror", severity: Must, control: true, run: mirrorFlavor},
		{id: "Q1", title: "enough servers may run", severity: Must, run: instances},
		{id: "Q2", title: "enough cores, memory and volumes for them", severity: Must, run: capacity},
		{id: "Q3", title: "enough ports, addresses, rules and key pairs for them", severity: Must, run: networkQuota},
		{id: "V1", title: "there is a disk for the mirror's cache", severity: Must, control: true, run: mirrorVolume},
		{id: "I1", title: "nodes get public addresses", severity: Must, run: addresses},
		{id: "I2", title: "a node can be reached, and reaches the Internet", severity: Must, active: true, run: notBooted},
		{id: "S1", title: "the default security group lets everybody in", severity: Must, launched: true, run: openGroup},
		{id: "M1", title: "the mirror's host answers", severity: Must, launched: true, run: mirrorHost},
		{id: "P1", title: "the key pairs are there", severity: Must, launched: true, run: keyPairs},
		{id: "A1", title: "the API answers fast and without errors", severity: Warn, run: latency},
	}
}

// IDs are the checks' ids, in the order of reports.
func IDs() []string {
	var all []string
	for _, k := range catalogue {
		all = append(all, k.id)
	}
	return all
}

// of is the check's severity by a profile.
func (k *kind) of(p *Profile) Severity {
	if s, ok := p.Severity[k.id]; ok {
		return s
	}
	return k.severity
}
