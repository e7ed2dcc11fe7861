package cloud

import "github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"

// Names are the entries of clouds.yaml, sorted; none without the file. It sends no requests.
func Names() ([]string, error) {
	config, err := cloudsyaml.Read()
	if err != nil {
		return nil, err
	}
	return config.Names(), nil
}
