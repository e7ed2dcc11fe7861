package usage

import "strings"

// What can't be done any more once an image is gone.
const (
	Rebuild  = "rebuild"
	Resize   = "resize"
	Migrate  = "migrate"
	Evacuate = "evacuate"
	Unshelve = "unshelve"
	Boot     = "boot"
	ScaleOut = "scale out"
	Deploy   = "deploy"
	Clean    = "clean"
	Rescue   = "rescue"
	Provide  = "create" // more of its kind
)

// Impact is what breaks for a use if the image goes.
type Impact struct {
	// Breaks is what can't be done any more, of the constants above; none where nothing breaks.
	Breaks []string `json:"breaks"`
	// Why says it in a sentence.
	Why string `json:"why"`
}

// Impact is what breaks for the use if its image is deleted, deactivated or hidden from it.
func (u Use) Impact() Impact {
	switch u.Kind {
	case Server:
		return u.serverImpact()
	case Volume, Snapshot:
		return Impact{nil, "has its own copy of the data; where the store made a clone instead, the Image service refuses to delete " +
			"the image"}
	case Backup:
		return Impact{nil, "has its own copy of the data"}
	case Image:
		if u.Weak {
			return Impact{nil, "has its own copy of the data"}
		}
		return Impact{[]string{Boot}, "servers can't boot from it without this image"}
	case Node:
		return u.nodeImpact()
	case Stack:
		return Impact{[]string{ScaleOut, Rebuild}, "its parameters are fixed: new and replaced servers need the image"}
	case ClusterTemplate:
		return Impact{[]string{Provide, ScaleOut}, "new clusters, and new servers of existing ones, boot from it"}
	case Amphora:
		return Impact{[]string{Resize, Migrate}, "its disk may be based on the image; a failover takes the newest image with the tag"}
	case FlavorProfile:
		return Impact{[]string{Provide}, "new load balancers of the flavor boot from the newest image with the tag"}
	case DatastoreVersion:
		return Impact{[]string{Provide, ScaleOut, Rebuild}, "new databases and replicas boot from it"}
	case File:
		return Impact{[]string{Provide}, "what is made from the file needs the image"}
	}
	return Impact{nil, "unknown"}
}

func (u Use) serverImpact() Impact {
	switch u.How {
	case Shelved:
		return Impact{[]string{Unshelve}, "the image is the server's disk: without it, the data is lost"}
	case BootVolume:
		return Impact{nil, "the volume has its own copy of the data; where the store made a clone instead, the Image service refuses to " +
			"delete the image"}
	}
	return Impact{[]string{Rebuild, Resize, Migrate, Evacuate}, "its disk may be based on the image, which another host has to fetch again"}
}

// nodeImpact tells by the field what a node needs the image for.
func (u Use) nodeImpact() Impact {
	field, name, _ := strings.Cut(u.How, "/")
	switch {
	case strings.HasPrefix(name, "rescue_"):
		return Impact{[]string{Rescue}, "the node boots it to be rescued"}
	case field == "driver_info":
		return Impact{[]string{Deploy, Clean}, "the node boots it to be deployed and cleaned"}
	}
	return Impact{[]string{Rebuild}, "the node was deployed with it, and may boot with it over the network"}
}
