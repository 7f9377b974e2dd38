"""kube-score has nothing to say but what EXCEPTIONS explains; this is the one place where they are."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.charts.chart import given, text
from tests.cluster_crds.api_server import programs

_WELL = 10
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("container-image-pull-policy", ".*"): (
        "Images are named by their content: pulling one again gives the same. Nodes without a registry hold them "
        "themselves, and Always would keep every pod from starting."
    ),
    ("deployment-replicas", "vedette-(api|operator|media)"): (
        "One by default, for a site of one node; values say how many."
    ),
    ("statefulset-has-servicename", "vedette-(nats|postgres|objectstore)"): (
        "One pod each, which nobody calls by its own name: clients reach it by a Service with an address of its own, that "
        "stays when the pod is made anew."
    ),
    ("networkpolicy-targets-pod", "vedette-(pods|trainers)"): (
        "Their pods are made by the operator, not by the chart. tests/charts/test_network.py finds them."
    ),
}


def _findings(case: str) -> set[tuple[str, str, str]]:
    """(check, object, what it says) of every check that is not well."""
    words = [str(programs("kube-score") / "kube-score"), "score", "-o", "json", "--kubernetes-version", "v1.34", "-"]
    done = subprocess.run(words, input=text(*given(case)), capture_output=True, text=True, check=False)
    assert done.stdout.startswith("["), done.stderr
    found = set()
    for scored in json.loads(done.stdout):
        for check in scored["checks"]:
            if not check["skipped"] and check["grade"] < _WELL:
                said = " ".join(each["summary"] for each in check["comments"] or [])
                found.add((check["check"]["id"], scored["object_meta"]["name"], said))
    return found


def _excepted(check: str, name: str) -> set[tuple[str, str]]:
    return {(known, names) for known, names in EXCEPTIONS if known == check and re.fullmatch(names, name)}


@pytest.mark.parametrize("case", ["defaults", "seaweedfs", "external", "ingress", "least", "one-node"])
def test_kube_score_finds_nothing_that_is_not_explained(case: str) -> None:
    assert not [(check, name, said) for check, name, said in _findings(case) if not _excepted(check, name)]


def test_every_exception_is_still_needed() -> None:
    used = {each for check, name, _ in _findings("defaults") for each in _excepted(check, name)}
    assert used == EXCEPTIONS.keys()
