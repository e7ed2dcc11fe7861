package acceptance_test

import "regexp"

// difference is where the sandbox may answer otherwise than the real OpenStack.
type difference struct {
	where *regexp.Regexp // of what record.Compare says
	why   string
	open  bool // to be corrected in the sandbox: an entry that is not needed any more is no error
}

func stays(where, why string) difference {
	return difference{where: regexp.MustCompile(where), why: why}
}

func open(where, why string) difference {
	return difference{where: regexp.MustCompile(where), why: why, open: true}
}

var differences = []difference{
	stays(`^image: .*/ body\.message: want "Provided object does not match schema`, "the sentences of a Python library, which quote the schema; the sandbox says what is wrong in one line"),
	stays(`^compute: .*/ body\.badRequest\.message: want "Invalid input for field/attribute`, "the same library"),
	stays(`^image: import / methods / body\.import-methods\.value`, "which methods there are is configuration"),
	stays(`^compute: .*/ body\.server\.flavor\.ram`, "every cloud has its own flavors"),
	stays(`^compute: .*/ the snapshot / body\.(size|virtual_size)`, "the sandbox packs a file system, not a disk"),
	stays(`^network: ports / as a reader`, "the recorded Neutron has its release's older default policy, in which a reader may do what a member may"),

	stays(`^identity: tokens / no identity / body\.error\.message`, "the same library"),
	stays(`^identity: without a token / no such path`, "a web framework's page, which says no more than the status"),
	open(`^identity: without a token / projects / header Vary`, "not set on a refused request"),
	open(`^compute: .*/ header (Content-Type|Vary|X-Compute-Request-Id|Openstack-Api-Version|X-Openstack-Nova-Api-Version|Www-Authenticate)`, "Nova's headers of errors"),
	open(`^compute: (keypairs|refused creates) .*/ body\.(badRequest|itemNotFound)\.message`, "texts"),
	open(`^compute: a server's life / (another project's|rename|snapshot|port)`, "what a member of another project is told; what rename shows; the snapshot's location and limits"),
	open(`^compute: flavors and versions`, "the bodies of refused versions and unknown paths"),
	open(`^network: security groups / rule / body\.security_group_rule\.(description|tags)`, "two fields of a new rule"),
}
