"""Every image runs as the manifests run it: by digest, as nobody, with a root that it cannot write, and without a shell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.kubectl import KubectlError, wait_until
from tests.cluster.product import reference
from tests.cluster_images.pods import Pods

_PYTHON = "/opt/vedette/bin/python"
_LOOK = """
import errno, importlib, importlib.metadata, json, os, pkgutil, sys
faults = []
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith(("__main__", "backends.torch")):
            try:
                importlib.import_module(module.name)
            except Exception as error:
                faults.append(f"{module.name}: {error!r}")
def refused(path):
    try:
        open(path, "w")
    except OSError as error:
        return errno.errorcode[error.errno]
    return "written"
programs = [
    os.path.join(folder, name)
    for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/vedette/bin")
    if os.path.isdir(folder) for name in os.listdir(folder)
]
unread = [cached for cached in sys.modules.values() if (cached.__cached__ if hasattr(cached, "__cached__") else None) and not os.path.exists(cached.__cached__)]
print(json.dumps({
    "faults": faults, "uid": os.getuid(), "gid": os.getgid(), "version": importlib.metadata.version("vedette"),
    "root": refused("/opt/vedette/new"), "tmp": refused("/tmp/new"), "work": refused("/var/lib/vedette/new"),
    "programs": sorted(programs), "not compiled": [module.__name__ for module in unread],
}))
"""
_PACKAGES = {
    "api": ("appliance.api", "appliance.clients", "appliance.contracts", "appliance.formats"),
    "media": ("appliance.media", "appliance.vision"),
    "inference": ("appliance.inference", "appliance.vision"),
    "operator": ("appliance.contracts", "appliance.clients", "vedette_operator"),
}
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "nats": ("nats-server", "-js", "-sd", "/data"),
    "objectstore": ("minio", "server", "--quiet", "--address", ":9000", "/data"),
    "seaweedfs": ("weed", "server", "-dir=/data", "-filer", "-s3"),
    "pause": (),
}


@pytest.mark.parametrize("image", sorted(_PACKAGES))
def test_python_images_hold_what_they_import_and_no_shell(image: str, pods: Pods) -> None:
    found: dict[str, Any] = json.loads(pods.finished(pods.run(image, (_PYTHON, "-c", _LOOK, *_PACKAGES[image]))))
    assert found.pop("version")
    assert found == {
        "faults": [],
        "uid": 10001,
        "gid": 10001,
        "root": "EROFS",
        "tmp": "written",
        "work": "written",
        "programs": ["/opt/vedette/bin/python", "/usr/bin/python3", "/usr/bin/python3.11"],
        "not compiled": [],
    }


@pytest.mark.parametrize("image", sorted(_ARGUMENTS))
def test_servers_run_on_nothing_but_themselves(image: str, pods: Pods) -> None:
    name = pods.run(image, _ARGUMENTS[image], mounts=[("/data", {"emptyDir": {}})])
    pods.wait_running(name)
    if image == "nats":
        wait_until("readiness of NATS", lambda: "Server is ready" in pods.printed(name), 30)
    assert pods.get(name)["status"]["containerStatuses"][0]["imageID"] == reference(image)
    with pytest.raises(KubectlError, match="no such file or directory"):
        pods.inside(name, "/bin/sh", "-c", "true")
    assert pods.get(name)["status"]["phase"] == "Running"
    pods.delete(name)
