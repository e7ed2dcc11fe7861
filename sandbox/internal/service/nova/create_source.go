package nova

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// blockDevice is an entry of block_device_mapping_v2.
type blockDevice struct {
	UUID                string `json:"uuid"`
	SourceType          string `json:"source_type"`
	DestinationType     string `json:"destination_type"`
	BootIndex           any    `json:"boot_index"`
	VolumeSize          any    `json:"volume_size"`
	VolumeType          string `json:"volume_type"`
	DeviceName          string `json:"device_name"`
	DeleteOnTermination bool   `json:"delete_on_termination"`
	Tag                 string `json:"tag"`
}

func (d blockDevice) root() bool { return fmt.Sprint(d.BootIndex) == "0" }

func (d blockDevice) size() int { return atoi(fmt.Sprint(d.VolumeSize)) }

// setSource settles what the server boots from: an image, or a volume that exists or is made of something.
func (s *Service) setSource(c front.Caller, v *Server, q createRequest) error {
	ref := ""
	if q.ImageRef != nil {
		ref = (*q.ImageRef)[strings.LastIndex(*q.ImageRef, "/")+1:]
	}
	var root *blockDevice
	for i := range v.devices {
		d := &v.devices[i]
		if d.root() {
			root = d
		}
		if err := s.checkDevice(c, v, *d); err != nil {
			return err
		}
	}
	if root != nil && root.SourceType == "image" && root.DestinationType != "volume" {
		ref, root = cmp.Or(ref, root.UUID), nil
	}
	switch {
	case root != nil && root.SourceType == "image":
		return s.checkImage(c, v.Flavor, root.UUID, false)
	case root != nil:
		return nil
	case ref == "" && len(v.devices) > 0:
		return invalid("Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is " +
			"not valid.")
	case ref == "" && q.ImageRef == nil:
		return invalid("Missing imageRef attribute")
	case uuid.Validate(ref) != nil:
		return invalid("Invalid imageRef provided.")
	}
	v.ImageID = ref
	return s.checkImage(c, v.Flavor, ref, true)
}

func (s *Service) checkImage(c front.Caller, f Flavor, id string, local bool) error {
	i, ok := s.images.Visible(c, id)

	switch {
	case !ok:
		return invalid("Can not find requested image")
	case i.Status != "active":
		return invalid("Image %s is not active.", id)
	case i.MinRAM > f.RAM:
		return invalid("Flavor's memory is too small for requested image.")
	case !local || f.Disk == 0:
	case i.Size > int64(f.Disk)*gib:
		return invalid("Flavor's disk is too small for requested image. Flavor disk is %d bytes, image is %d bytes.", int64(f.Disk)*gib,
			i.Size)
	case i.MinDisk > f.Disk:
		return invalid("Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is %d bytes, minimum "+
			"size is %d bytes.", int64(f.Disk)*gib, int64(i.MinDisk)*gib)
	}
	return nil
}

func (s *Service) checkDevice(c front.Caller, _ *Server, d blockDevice) error {
	switch {
	case d.SourceType == "volume":
		vol, ok := s.vols.Visible(c, d.UUID)
		if !ok {
			return invalid("Volume %s could not be found.", d.UUID)
		}
		if vol.Status != "available" {
			return invalid("Invalid volume: Invalid input received: Invalid volume: Volume %s status must be available or downloading "+
				"to reserve, but the current status is %s. (HTTP 400) (Request-ID: %s)",
				d.UUID, vol.Status, "req-"+uuid.NewString())
		}
		if d.root() && !vol.Bootable {
			return invalid("Block Device %s is not bootable.", d.UUID)
		}
	case d.SourceType == "snapshot":
		if _, ok := s.vols.Snapshot(c, d.UUID); !ok {
			return invalid("Block Device Mapping is Invalid: failed to get snapshot %s.", d.UUID)
		}
	case d.SourceType == "image" && d.DestinationType == "volume" && d.size() == 0:
		return invalid("Block Device Mapping is Invalid: Images with destination_type 'volume' need to have a non-zero size specified")
	case d.SourceType == "blank" && d.DestinationType == "volume" && d.size() == 0:
		return invalid("Block Device Mapping is Invalid: Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
	case d.SourceType != "image" && d.SourceType != "blank":
		return invalid("Block Device Mapping is Invalid: Unable to determine the source type '%s'.", d.SourceType)
	}
	return nil
}
