"""What of a cluster is computed without one: addresses, certificates, images, and who a process is."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from ipaddress import IPv4Network

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from appliance.contracts.errors import VedetteError
from tests.cluster import addresses, images
from tests.cluster.parts import Process
from tests.cluster.pki import new_authority


def test_the_network_of_nodes_is_one_that_the_machine_does_not_use() -> None:
    taken = [IPv4Network("172.31.254.0/23"), IPv4Network("10.0.0.0/8")]
    assert addresses.choose(taken) == IPv4Network("172.31.253.0/24")
    with pytest.raises(VedetteError, match="uses every network"):
        addresses.choose([IPv4Network("172.16.0.0/12")])


def test_an_authority_signs_what_it_issues_and_each_cluster_has_its_own() -> None:
    one, other = new_authority("vedette-test-cluster"), new_authority("vedette-test-cluster")
    issued = x509.load_pem_x509_certificate(one.issue("system:node:gpu", ["system:nodes"], ["gpu"]).certificate)
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(one.pair.certificate))
    with pytest.raises(InvalidSignature):
        issued.verify_directly_issued_by(x509.load_pem_x509_certificate(other.pair.certificate))
    assert issued.subject.rfc4514_string() == "CN=system:node:gpu,O=system:nodes"


def test_the_same_image_has_the_same_bytes_and_says_its_name() -> None:
    image = images.Image("vedette.io/test/one:1", {"bin/one": b"program"}, {"bin/two": "/bin/one"}, ("/bin/one",))
    content = images.archive(image)
    assert content == images.archive(image)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == "vedette.io/test/one:1"


def test_a_process_number_that_now_is_anothers_is_left_alone() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        stranger = Process(child.pid, began=1)
        assert not stranger.alive
        stranger.end()
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
