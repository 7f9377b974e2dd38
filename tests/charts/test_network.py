"""Who reaches whom: worked out from the policies as Kubernetes reads them, for our pods and those that the operator makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.charts.chart import Rendered, rendered, selects
from tests.cluster_crds.api_server import ROOT

_GOLDEN = ROOT / "tests" / "operator_build" / "golden"
_OUTSIDE = "outside"
_PORTS = {53, 443, 4222, 5432, 5433, 6443, 8080, 8090, 9000, 9090, 9443, 29400}
_PODS = ("worker", "engine", "gates", "trainer")
_STORE = [
    (part, "objectstore", 9000) for part in ("api", "media", "operator", "model-cache", "store-user", "test", *_PODS)
]
_QUEUE = [(part, "nats", 4222) for part in ("api", "media", "operator", "test", *_PODS)]
_CACHE = [(part, "model-cache", 8090) for part in _PODS]
_DATABASE = [("api", "postgres", 5432), ("migrations", "postgres", 5432)]
_PEOPLE = [(_OUTSIDE, "api", 8080), (_OUTSIDE, "objectstore", 9000)]
_KUBERNETES = [(part, _OUTSIDE, port) for part in ("api", "operator", "test") for port in (443, 6443)]
_TRAINERS = [("trainer", "trainer", port) for port in _PORTS]


def _children() -> dict[str, dict[str, str]]:
    """Labels of the pods that the operator makes, by vedette.io/part."""
    found = {}
    for path in sorted(_GOLDEN.glob("*.yaml")):
        for template in _templates(path):
            labels = template["metadata"]["labels"]
            found[labels["vedette.io/part"]] = labels
    return found


def _templates(path: Path) -> Iterator[dict[str, Any]]:
    def inside(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "template" in value and "labels" in value["template"].get("metadata", {}):
                yield value["template"]
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                yield from inside(each)

    for document in yaml.safe_load_all(path.read_text()):
        yield from inside(document)


def _everybody(release: Rendered) -> dict[str, dict[str, str]]:
    return {pod.part: pod.labels for pod in release.pods} | _children()


def _lets(rules: list[dict[str, Any]], side: str, other: dict[str, str] | None, port: int) -> bool:
    """Whether one of the rules names the peer (None: an address outside of the cluster) at the port."""
    for rule in rules:
        ports = {each["port"] for each in rule["ports"]} if "ports" in rule else _PORTS
        peers = rule.get(side)
        named = peers is None or any(_is(peer, other) for peer in peers)
        if port in ports and named:
            return True
    return False


def _is(peer: dict[str, Any], other: dict[str, str] | None) -> bool:
    if "ipBlock" in peer or "namespaceSelector" in peer:
        return other is None
    return other is not None and selects(peer["podSelector"], other)


def _flows(release: Rendered) -> set[tuple[str, str, int]]:
    """(from, to, port) of every connection that both sides let through."""
    everybody: dict[str, dict[str, str] | None] = {**_everybody(release), _OUTSIDE: None}
    policies = release.of("NetworkPolicy")

    def open_to(part: str, which: str, other: str, port: int) -> bool:
        labels = everybody[part]
        if labels is None:
            return True
        mine = [each["spec"] for each in policies if selects(each["spec"]["podSelector"], labels)]
        side = "from" if which == "ingress" else "to"
        return any(_lets(each[which], side, everybody[other], port) for each in mine)

    return {
        (one, other, port)
        for one in everybody
        for other in everybody
        for port in _PORTS
        if (one, other) != (_OUTSIDE, _OUTSIDE)
        and open_to(one, "egress", other, port)
        and open_to(other, "ingress", one, port)
    }


def test_every_pod_is_held_to_a_policy_of_both_directions(release: Rendered) -> None:
    for part, labels in _everybody(release).items():
        mine = [each["spec"] for each in release.of("NetworkPolicy") if selects(each["spec"]["podSelector"], labels)]
        assert mine, part
        assert all(set(each["policyTypes"]) == {"Ingress", "Egress"} for each in mine)


def test_pods_of_detectors_and_trainings_are_known() -> None:
    assert _children().keys() == set(_PODS)


def _names(flows: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Without the look-up of names, which everybody may."""
    return {each for each in flows if each[2] != 53 or each[:2] == ("trainer", "trainer")}


def test_pods_reach_what_they_need_and_nothing_else() -> None:
    asked = [(_OUTSIDE, "operator", 9443)]
    wanted = {*_STORE, *_QUEUE, *_CACHE, *_DATABASE, *_PEOPLE, *_KUBERNETES, *_TRAINERS, *asked, ("test", "api", 8080)}
    assert _names(_flows(rendered("defaults"))) == wanted


def test_everybody_may_look_up_names() -> None:
    release = rendered("defaults")
    found = {one for one, other, port in _flows(release) if other == _OUTSIDE and port == 53}
    assert found == _everybody(release).keys()


def test_a_database_and_a_store_outside_are_reached_by_their_networks_alone() -> None:
    release = rendered("external")
    found = {each for each in _flows(release) if each[1] == _OUTSIDE and each[2] in (443, 5433)}
    stores = {one for one, other, port in _STORE if one != "store-user"}
    assert found == {("api", _OUTSIDE, 5433), ("migrations", _OUTSIDE, 5433)} | {(one, _OUTSIDE, 443) for one in stores}
    blocks = {
        peer["ipBlock"]["cidr"]
        for policy in release.of("NetworkPolicy")
        if policy["metadata"]["labels"]["app.kubernetes.io/component"] in ("media", "migrations")
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    }
    assert blocks == {"10.20.0.0/24", "10.30.0.0/24"}


def test_metrics_are_read_only_by_whom_the_values_name() -> None:
    def read(case: str) -> set[str]:
        return {other for one, other, port in _flows(rendered(case)) if one == _OUTSIDE and port == 9090}

    assert read("defaults") == set()
    assert read("ingress") == {"media", "operator", "model-cache", *_PODS}


def test_without_a_webhook_nobody_comes_in_to_the_operator() -> None:
    assert not [each for each in _flows(rendered("without-webhook")) if each[1] == "operator"]
