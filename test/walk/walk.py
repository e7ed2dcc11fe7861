"""Makes what a Terraform configuration of a server makes, with openstacksdk, and deletes it in the opposite order.

Its arguments are a cloud and a prefix of names. Each step is a line on standard output.
"""

import sys
import time

import openstack


def until(what, read, wanted, patience=240):
    """Reads an object until it has a status; None is an object that is gone."""
    deadline = time.monotonic() + patience
    while True:
        found = read()
        status = found and found.status.lower()
        if status == wanted:
            return found
        if status == "error" and wanted != "error":
            raise RuntimeError(f"{what} is in error")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} is {status} instead of {wanted}")
        time.sleep(0.2)


def walk(conn, prefix):
    undo = []

    def step(name, made, gone):
        print("made", name, made.id, flush=True)
        undo.append((name, gone))
        return made

    net, compute, block = conn.network, conn.compute, conn.block_storage
    image, flavor = conn.image.find_image("tiny"), compute.find_flavor("m1.tiny")
    public = net.find_network("public", ignore_missing=False)

    network = step("network", net.create_network(name=prefix), lambda: net.delete_network(network, ignore_missing=False))
    subnet = step(
        "subnet", net.create_subnet(name=prefix, network_id=network.id, ip_version=4, cidr="10.66.0.0/24"),
        lambda: net.delete_subnet(subnet, ignore_missing=False))
    router = step(
        "router", net.create_router(name=prefix, external_gateway_info={"network_id": public.id}),
        lambda: net.delete_router(router, ignore_missing=False))
    step("interface", net.get_router(router.id), lambda: net.remove_interface_from_router(router, subnet_id=subnet.id))
    net.add_interface_to_router(router, subnet_id=subnet.id)
    group = step(
        "security group", net.create_security_group(name=prefix),
        lambda: net.delete_security_group(group, ignore_missing=False))
    net.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
    port = step(
        "port", net.create_port(
            name=prefix, network_id=network.id, fixed_ips=[{"subnet_id": subnet.id}], security_groups=[group.id]),
        lambda: net.delete_port(port, ignore_missing=False))

    def end_server():
        compute.delete_server(server, ignore_missing=False)
        until("server", lambda: compute.find_server(server.id), None)

    server = step(
        "server", compute.create_server(
            name=prefix, image_id=image.id, flavor_id=flavor.id, networks=[{"port": port.id}]), end_server)
    until("server", lambda: compute.get_server(server.id), "active")

    address = step(
        "floating IP", net.create_ip(floating_network_id=public.id, description=prefix),
        lambda: net.delete_ip(address, ignore_missing=False))
    net.update_ip(address, port_id=port.id)
    if net.get_ip(address.id).fixed_ip_address != port.fixed_ips[0]["ip_address"]:
        raise RuntimeError("the floating IP isn't the port's")

    def end_volume():
        block.delete_volume(volume, ignore_missing=False)
        until("volume", lambda: block.find_volume(volume.id), None)

    volume = step("volume", block.create_volume(name=prefix, size=1), end_volume)
    until("volume", lambda: block.get_volume(volume.id), "available")

    def end_attachment():
        compute.delete_volume_attachment(volume.id, server, ignore_missing=False)
        until("volume", lambda: block.get_volume(volume.id), "available")

    step("attachment", compute.create_volume_attachment(server, volume_id=volume.id), end_attachment)
    until("volume", lambda: block.get_volume(volume.id), "in-use")

    def end_snapshot():
        block.delete_snapshot(snapshot, ignore_missing=False)
        until("snapshot", lambda: block.find_snapshot(snapshot.id), None)

    snapshot = step("snapshot", block.create_snapshot(name=prefix, volume_id=volume.id, force=True), end_snapshot)
    until("snapshot", lambda: block.get_snapshot(snapshot.id), "available")
    saved = step(
        "image", compute.create_server_image(server, prefix), lambda: conn.image.delete_image(saved, ignore_missing=False))
    until("image", lambda: conn.image.get_image(saved.id), "active")

    for name, gone in reversed(undo):
        gone()
        print("gone", name, flush=True)
    left = [
        (kind, found.id) for kind, all_of in (
            ("network", net.networks()), ("subnet", net.subnets()), ("router", net.routers()), ("port", net.ports()),
            ("security group", net.security_groups()), ("server", compute.servers()), ("volume", block.volumes()),
            ("snapshot", block.snapshots()), ("image", conn.image.images()),
        ) for found in all_of if found.name == prefix
    ] + [("floating IP", found.id) for found in net.ips() if found.description == prefix]
    if left:
        raise RuntimeError(f"left behind: {left}")


walk(openstack.connect(cloud=sys.argv[1]), sys.argv[2])
