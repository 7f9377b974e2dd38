"""Deleting everything leaves nothing behind but data, and a new installation finds it (issue 6, shown 4)."""

from __future__ import annotations

from tests.cluster_appliance.conftest import CLAIMS
from tests.cluster_appliance.document import Reader
from tests.cluster_appliance.installation import Installation


def test_an_upgrade_and_a_rollback_keep_the_data(vedette: Installation, reader: Reader) -> None:
    before = vedette.vedette_json("run", "list")
    reader.do("Upgrade and roll back Vedette itself")
    assert vedette.vedette_json("run", "list") == before


def test_nothing_is_left_but_data_and_a_new_installation_finds_it(vedette: Installation, reader: Reader) -> None:
    before = vedette.vedette_json("run", "list")
    reader.do("Remove it")
    vedette.wait_for("the last pod's end", lambda: not vedette.get("pods")["items"], 120)
    left = vedette.kubectl("get", "all,configmap,ingress,networkpolicy,lease,role,rolebinding", "-o", "name").split()
    assert [name for name in left if name != "configmap/kube-root-ca.crt"] == []
    kept = {each["metadata"]["name"] for each in vedette.get("pvc")["items"]}
    assert len(kept) == len(CLAIMS), "data stay until somebody deletes the claims"
    vedette.install()
    assert vedette.vedette_json("run", "list") == before
