package usage

import (
	"strings"
)

// Source is one source of uses.
type Source struct {
	Name   string `json:"name"` // one of SourceNames, or File
	Cloud  string `json:"cloud"`
	State  State  `json:"state"`
	Detail string `json:"detail"` // why it isn't read, or what it lacks
	Uses   int    `json:"uses"`   // found in it
	// Project is the id of the credentials' project, "" for files and for credentials without one.
	Project string `json:"project"`
}

// State is what a source showed.
type State string

// States of a source.
const (
	Read      State = "read"
	Limited   State = "limited"   // only the objects of the credentials' project
	Absent    State = "absent"    // the cloud has no such service
	Forbidden State = "forbidden" // to these credentials
	Failed    State = "failed"
)

// Sources, by their names.
const (
	Servers            = "servers"
	SoftDeletedServers = "soft-deleted-servers"
	Volumes            = "volumes"
	Snapshots          = "volume-snapshots"
	Backups            = "volume-backups"
	Images             = "images"
	Nodes              = "nodes"
	Stacks             = "stacks"
	ClusterTemplates   = "cluster-templates"
	Amphorae           = "amphorae"
	FlavorProfiles     = "flavor-profiles"
	DatastoreVersions  = "datastore-versions"
)

// SourceNames are the names of all sources that are asked in each cloud, in the order of Index.Sources.
var SourceNames = []string{
	Servers, SoftDeletedServers, Volumes, Snapshots, Backups, Images, Nodes, Stacks, ClusterTemplates, Amphorae, FlavorProfiles,
	DatastoreVersions,
}

func key(id string) string { return strings.ToLower(id) }
