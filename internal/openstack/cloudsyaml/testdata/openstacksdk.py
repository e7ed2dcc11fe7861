"""Says how openstacksdk reads each case: JSON on stdin, JSON on stdout, in the same order."""
import importlib, json, os, sys, warnings

warnings.simplefilter("ignore")
import openstack.config.loader as loader

KINDS = ["image", "compute", "network", "block-storage"]


def read(case):
    root = case["root"]
    for name in [n for n in os.environ if n.startswith(("OS_", "XDG_", "SDK_", "SNAP_"))]:
        del os.environ[name]
    os.environ["HOME"] = os.path.join(root, "home")
    os.environ.update({k: v.replace("ROOT", root) for k, v in case["env"].items()})
    os.chdir(os.path.join(root, "cwd"))
    importlib.reload(loader)
    for files in (loader.CONFIG_FILES, loader.SECURE_FILES, loader.VENDOR_FILES):
        files[:] = [f.replace("/etc/openstack", os.path.join(root, "site")) for f in files]
    c = loader.OpenStackConfig().get_one(cloud=case["cloud"] or None, region_name=case["region"] or None)
    verify, cert = c.get_requests_verify_args()
    return {
        "auth": {k: str(v) for k, v in c.config["auth"].items() if v is not None},
        "auth_type": c.config["auth_type"] or "",
        "region": c.config["region_name"] or "",
        "interface": c.config["interface"] or "",
        "verify": verify if isinstance(verify, str) else str(verify),
        "cert": list(cert) if isinstance(cert, tuple) else [cert] if cert else [],
        "endpoint": {k: c.get_endpoint(k) or "" for k in KINDS},
        "service_region": {k: c.get_region_name(k) or "" for k in KINDS},
        "service_interface": {k: c.get_interface(k) or "" for k in KINDS},
    }


for line in sys.stdin:
    try:
        answer = read(json.loads(line))
    except Exception as e:
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer))
