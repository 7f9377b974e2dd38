"""Publishing twice is publishing once; another content under one version is refused. A real object store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import CARD_FILE
from appliance.formats import fetch, model_package
from appliance.training.cluster import publish
from tests.conftest import StoreServer

DEMO = Path(__file__).parents[3] / "demo" / "tree-crowns"


def test_files_first_digest_last_and_never_another(object_store: StoreServer, tmp_path: Path) -> None:
    store = ObjectStore(object_store.settings)
    store.ensure_bucket()
    package = model_package.read(DEMO)
    name, version = package.manifest.name, package.manifest.version
    assert publish.published(store, name, version) is None
    publish.publish(store, package)
    publish.publish(store, package)
    assert publish.published(store, name, version) == package.digest
    prefix = keys.model_prefix(name, version)
    assert fetch.fetch_package(store.get_file, prefix, package.digest, tmp_path / "back").digest == package.digest

    shutil.copytree(DEMO, tmp_path / "other")
    (tmp_path / "other" / CARD_FILE).write_text("another card")
    with pytest.raises(VedetteError, match="published already") as caught:
        publish.publish(store, model_package.read(tmp_path / "other"))
    assert caught.value.reason.code is Code.CONFLICT
    assert publish.published(store, name, version) == package.digest
    store.delete([each.key for each in store.list_objects(prefix)])
