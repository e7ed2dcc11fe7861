package main

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/internal/bridge"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// promoter connects with the credentials that promote: those of --os-cloud, or else of packuilon's PACKER_ADMIN_AUTH.
func promoter(ctx context.Context, in *sdk.Input, out *sdk.Output, c *config.Config) (*cloud.Cloud, *glance.Client, error) {
	access, images, err := bridge.Images(ctx, in, "")
	if err == nil || !fault.Is(err, fault.Usage) && !fault.Is(err, fault.NotFound) {
		return access, images, err
	}
	if _, missing := os.Stat(c.AdminAuthFile); missing != nil {
		return nil, nil, err
	}
	v, bad := config.OpenRC(c.AdminAuthFile)
	if bad != nil {
		return nil, nil, errors.Join(err, fault.About("PACKER_ADMIN_AUTH", bad))
	}
	for _, secret := range config.Secrets(v) {
		out.CrossOut(sdk.NewSecret(secret))
	}
	access, err = cloud.Connect(ctx, cloud.Access{
		IdentityEndpoint: v["OS_AUTH_URL"], Username: v["OS_USERNAME"], UserID: v["OS_USER_ID"], Password: v["OS_PASSWORD"],
		TenantID: cmp.Or(v["OS_PROJECT_ID"], v["OS_TENANT_ID"]), TenantName: cmp.Or(v["OS_PROJECT_NAME"], v["OS_TENANT_NAME"]),
		DomainID:   cmp.Or(v["OS_USER_DOMAIN_ID"], v["OS_DOMAIN_ID"], v["OS_PROJECT_DOMAIN_ID"]),
		DomainName: cmp.Or(v["OS_USER_DOMAIN_NAME"], v["OS_DOMAIN_NAME"], v["OS_PROJECT_DOMAIN_NAME"]),
		Token:      v["OS_TOKEN"], ApplicationCredentialID: v["OS_APPLICATION_CREDENTIAL_ID"],
		ApplicationCredentialName: v["OS_APPLICATION_CREDENTIAL_NAME"], ApplicationCredentialSecret: v["OS_APPLICATION_CREDENTIAL_SECRET"],
		Region: v["OS_REGION_NAME"], EndpointType: cmp.Or(v["OS_INTERFACE"], v["OS_ENDPOINT_TYPE"]), CACert: v["OS_CACERT"],
	})
	if err != nil {
		return nil, nil, fault.About("PACKER_ADMIN_AUTH", err)
	}
	sc, err := access.Image()
	if err != nil {
		access.Close()
		return nil, nil, err
	}
	bridge.Reporter(in, out).Step("Promoting with the credentials of %s", c.AdminAuthFile)
	return access, glance.New(sc), nil
}
