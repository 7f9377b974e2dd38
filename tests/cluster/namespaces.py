"""The places of a cluster: namespaces of network and mounts that are held open by one sleeping process each.

A place has no name on this machine and no file: when the last of its processes goes, the kernel takes its interfaces,
routes, firewall rules and mounts with it. Places are joined by a bridge in the control place; this machine has one
interface of its own on it, and no place has a route to anywhere else. Used by cluster.py; knows no program but `ip`.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from tests.cluster.addresses import POD_NETWORKS, SERVICES, Addresses, choose, pods
from tests.cluster.layout import NODES

ANCHOR = ("unshare", "--mount", "--net", "--propagation", "private", "sleep", "infinity")
# What a kubelet writes at its start for the whole machine. In a node these files already say so, and the machine's stay.
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def enter(anchor: int) -> tuple[str, ...]:
    """What a command begins with to run in the place of this anchor. `nsenter` becomes the command: no process more."""
    return ("nsenter", f"--mount=/proc/{anchor}/ns/mnt", f"--net=/proc/{anchor}/ns/net", "--")


def run(command: Sequence[str], given: str = "") -> str:
    """Run one of the system's tools; RuntimeError with what it said when it fails."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def wait_for(anchor: int, seconds: float = 20.0) -> None:
    """Until it sleeps in namespaces of its own."""
    deadline = time.monotonic() + seconds
    while not _asleep(anchor):
        if time.monotonic() > deadline:
            raise VedetteError(
                Code.UNSUPPORTED,
                "No network and mount namespace could be made on this machine.",
                "Run as root on a machine, or in a container, that may make namespaces: --privileged.",
            )
        time.sleep(0.01)


def _asleep(anchor: int) -> bool:
    try:
        return Path(f"/proc/{anchor}/comm").read_text() == "sleep\n"
    except OSError:
        return False


def unused_network() -> IPv4Network:
    """A network for nodes that this machine has no route into."""
    routes = [line.split()[0] for line in run(("ip", "-4", "route", "show", "table", "all")).splitlines() if line]
    taken = []
    for route in routes:
        try:
            taken.append(IPv4Network(route, strict=False))
        except ValueError:  # default, broadcast, local: they name no network
            continue
    return choose(network for network in taken if network.prefixlen > 0)


def build_hub(anchor: int, link: str, addresses: Addresses) -> None:
    """The bridge in the control place, and this machine's own interface `link` on it."""
    prefix = addresses.network.prefixlen
    run(("ip", "link", "add", link, "type", "veth", "peer", "name", "machine", "netns", str(anchor)))
    run(("ip", "-batch", "-"), f"addr add {addresses.host}/{prefix} dev {link}\nlink set {link} up\n")
    commands = f"""
        link set lo up
        link add hub type bridge
        addr add {addresses.control}/{prefix} dev hub
        link set hub up
        link set machine master hub up
    """
    routes = "".join(f"route add {pods(node)} via {addresses.node(node)}\n" for node in NODES)
    run((*enter(anchor), "ip", "-batch", "-"), commands + routes)


def remove_link(link: str) -> None:
    """The kernel would take this machine's own interface with its other end, but in its own time: up to a minute."""
    done = subprocess.run(("ip", "link", "delete", link), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0 and Path(f"/sys/class/net/{link}").exists():  # else the kernel was faster
        raise RuntimeError(f"the interface {link} cannot be removed: {done.stderr.strip()}")


def connect(node: str, anchor: int, hub: int, addresses: Addresses) -> None:
    """Join a node's place to the bridge. It reaches the other places, the pods of other nodes, and services; nothing else."""
    plug = f"to-{node}"
    # A node that was cut off a moment ago may still have its end here: the kernel clears up behind it.
    subprocess.run((*enter(hub), "ip", "link", "delete", plug), capture_output=True, timeout=60, check=False)
    commands = f"link add {plug} type veth peer name eth0 netns {anchor}\nlink set {plug} master hub up\n"
    run((*enter(hub), "ip", "-batch", "-"), commands)
    commands = f"""
        link set lo up
        addr add {addresses.node(node)}/{addresses.network.prefixlen} dev eth0
        link set eth0 up
        route add {SERVICES} via {addresses.control}
    """
    routes = "".join(f"route add {pods(other)} via {addresses.node(other)}\n" for other in NODES if other != node)
    run((*enter(anchor), "ip", "-batch", "-"), commands + routes)
    # This machine is the nodes' neighbour, for kubectl and node ports; a pod may answer it, and has no other business with it.
    barrier = f"-A FORWARD -s {POD_NETWORKS} -d {addresses.host} -m conntrack --ctstate NEW"
    run((*enter(anchor), "iptables", *barrier.split(), "-j", "REJECT", "--reject-with", "icmp-net-unreachable"))
    run((*enter(anchor), "busybox", "sysctl", "-w", "net.ipv4.ip_forward=1"))


def mount_node(anchor: int, var: Path) -> None:
    """Give a node a /var of its own, an empty /run, and the kernel's settings that a kubelet expects.

    The kubelet finds device plugins at one fixed path below /var, and shims their sockets below /run: two nodes could
    not share them. Mounts of the node are shared within it, as pods expect, and reach nobody outside.
    """
    inside = enter(anchor)
    settings = var / "lib" / "vedette" / "kernel"
    for name, value in KERNEL.items():
        file = settings / name.replace("/", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")
        run((*inside, "mount", "--bind", str(file), f"/proc/sys/{name}"))
    run((*inside, "mount", "--bind", str(var), "/var"))
    run((*inside, "mount", "-t", "tmpfs", "-o", "mode=0755", "node", "/run"))
    run((*inside, "mount", "--make-rshared", "/"))
