"""Values: what helm refuses, what it says then, and that docs/chart.md names each of them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from scripts import chart_values
from tests.charts import document
from tests.charts.chart import CASES, CHART, HelmError, given, helm, once, rendered, text, values
from tests.cluster_crds.api_server import ROOT


@pytest.mark.parametrize("case", CASES)
def test_helm_lint_has_nothing_to_say(case: str) -> None:
    said = helm("lint", "--strict", str(CHART), *given(case))
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("replica=2", "additional properties 'replica' not allowed"),
        ("api.replcas=2", "at '/api': additional properties 'replcas' not allowed"),
        ("operator.webhook.enable=true", "at '/operator/webhook': additional properties 'enable' not allowed"),
        ("objectStore.kind=ceph", "at '/objectStore/kind': value must be one of 'minio', 'seaweedfs', 'external'"),
        ("images.api.digest=1.0.0", "at '/images/api/digest'"),
        ("images.api.tag=latest", "at '/images/api': additional properties 'tag' not allowed"),
        ("api.publicUrl=vedette.site.example", "at '/api/publicUrl'"),
        ("api.replicas=many", "at '/api/replicas': got string, want integer"),
        ("postgres.persistence.size=lots", "at '/postgres/persistence/size'"),
        ("postgres.password=hunter2", "at '/postgres': additional properties 'password' not allowed"),
        ("api.resources.limit.cpu=1", "at '/api/resources': additional properties 'limit' not allowed"),
        ("api.service.nodePort=70000", "at '/api/service/nodePort'"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(wrong: str, said: str) -> None:
    with pytest.raises(HelmError) as refused:
        text(*given("defaults"), "--set", wrong)
    assert said in str(refused.value)


def test_without_digests_helm_says_where_they_come_from() -> None:
    with pytest.raises(HelmError, match="`make images` writes them"):
        text()


def test_crds_are_those_of_the_repository_byte_for_byte() -> None:
    ours = {path.name: path.read_bytes() for path in (ROOT / "crds").glob("*.yaml")}
    assert ours
    assert {path.name: path.read_bytes() for path in (CHART / "files" / "crds").glob("*")} == ours


def test_crds_come_with_the_release_unchanged_and_stay() -> None:
    crds = once("defaults").of("CustomResourceDefinition")
    assert len(crds) == 2
    for crd in crds:
        assert crd["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        del crd["metadata"]["labels"]
        assert crd == yaml.safe_load((ROOT / "crds" / f"{crd['metadata']['name']}.yaml").read_text())
    assert not rendered("least").of("CustomResourceDefinition")


def test_every_value_is_explained() -> None:
    assert not [each.name for each in chart_values.listed() if not each.meaning.endswith(".")]


def test_every_value_is_listed() -> None:
    """No leaf of the file escapes the reader of its comments."""
    names = {each.name for each in chart_values.listed()}

    def leaves(value: object, path: str) -> set[str]:
        if path in names or not isinstance(value, dict):
            return {path}
        return {leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}".lstrip("."))}

    assert leaves(values(), "") == names


def test_the_document_has_the_values_as_they_are() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "chart_values.py"), "--check"], check=False)
    assert done.returncode == 0, "run scripts/chart_values.py"


def test_what_the_document_sets_is_taken() -> None:
    """Every values file that docs/chart.md shows."""
    shown = [each for each in document.shown() if "apiVersion" not in each]
    assert len(shown) == 5
    for block in shown:
        sets = (word for key, value in block.items() for word in ("--set-json", f"{key}={json.dumps(value)}"))
        text(*given("defaults"), *sets)
