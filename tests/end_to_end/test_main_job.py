"""The main job through the command line, against the whole appliance: a scene in, detections out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer

from appliance.contracts.item import item_id
from appliance.formats import digest
from tests import blobs
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def vedette(stack: Stack, *words: str, code: int = 0) -> Any:
    """Run a command with --json; what it printed. Its exit code must be `code`."""
    done = stack.vedette(*words, "--json")
    assert done.returncode == code, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def get(stack: Stack, path: str, **parameters: Any) -> httpx.Response:
    return httpx.get(stack.url + path, params=parameters, headers={"Authorization": f"Bearer {stack.token}"})


def wait_for_state(stack: Stack, run: str, states: set[str], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while (now := get(stack, f"/api/runs/{run}").json())["state"] not in states:
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    return now


def test_a_scene_in_detections_out(stack: Stack, tmp_path: Path) -> None:
    """Push, subscribe, wait: every blob is found once, where it is."""
    centres = blobs.centres(900, 700, 80)
    scene = blobs.write_scene(tmp_path / "port.tif", 900, 700, centres)
    package = blobs.write_package(tmp_path / "package", name="main-job")
    vedette(stack, "dataset", "create", "main-job")
    detector = vedette(stack, "detector", "apply", str(package.folder), "--subscribe", "main-job")
    assert detector["digest"] == package.digest
    [pushed] = vedette(stack, "item", "push", str(scene), "--dataset", "main-job", "--wait-runs")
    assert pushed["item"]["state"] == "ready"
    assert pushed["item"]["scene"]["gsd_metres"] == pytest.approx(0.1, rel=0.01)
    [run] = pushed["runs"]
    assert run["state"] == "succeeded"
    assert run["summary"]["detections"] == 80

    found = get(stack, f"/api/runs/{run['id']}/detections", limit=1000).json()["items"]
    where = np.array([[d["box"]["x"], d["box"]["y"]] for d in found])
    wanted = centres + 0.5
    np.testing.assert_allclose(where[np.lexsort(where.T)], wanted[np.lexsort(wanted.T)], atol=0.01)
    assert {d["label"] for d in found} == {"blob"}
    with rasterio.open(scene) as opened:
        to_ground = Transformer.from_crs(opened.crs, "OGC:CRS84", always_xy=True)
        x, y = opened.transform @ tuple(where[0])
    ring = np.array(found[0]["geometry"]["coordinates"][0])
    np.testing.assert_allclose((ring.min(0) + ring.max(0)) / 2, to_ground.transform(x, y), atol=2e-7)

    out = tmp_path / "detections.parquet"
    vedette(stack, "run", "export", run["id"], "-o", str(out))
    assert pq.read_table(out).num_rows == 80


def test_pushing_the_same_content_twice_is_one_item(stack: Stack, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "once.tif", 300, 300, blobs.centres(300, 300, 5))
    (tmp_path / "copy-of-once.tif").write_bytes(scene.read_bytes())
    vedette(stack, "dataset", "create", "twice")
    [first] = vedette(stack, "item", "push", str(scene), "--dataset", "twice", "--wait")
    [again] = vedette(stack, "item", "push", str(scene), "--dataset", "twice", "--wait")
    [copy] = vedette(stack, "item", "push", str(tmp_path / "copy-of-once.tif"), "--dataset", "twice", "--wait")
    assert first["item"]["id"] == again["item"]["id"] == copy["item"]["id"]
    assert (first["known"], again["known"], copy["known"]) == (False, True, True)
    assert len(vedette(stack, "item", "list", "--dataset", "twice")) == 1


def truncated(path: Path) -> None:
    whole = blobs.write_scene(path, 600, 600, blobs.centres(600, 600, 20)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def text(path: Path) -> None:
    path.write_text("This is a letter, not a scene.\n" * 50)


@pytest.mark.parametrize("spoil", [truncated, text])
def test_a_bad_file_fails_with_one_sentence_and_exit_code_2(stack: Stack, tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / f"{spoil.__name__}.tif"
    spoil(path)
    vedette(stack, "dataset", "create", "bad")
    done = stack.vedette("item", "push", str(path), "--dataset", "bad", "--wait")
    assert done.returncode == 2, done.stderr
    assert path.name in done.stderr
    assert "Traceback" not in done.stderr
    [pushed] = vedette(stack, "item", "push", str(path), "--dataset", "bad", "--wait", code=2)
    assert pushed["item"]["state"] == "failed"
    reason = pushed["item"]["reason"]
    assert path.name in reason["message"]
    assert reason["remedy"]
    kept = httpx.get(get(stack, f"/api/items/{pushed['item']['id']}/original").headers["Location"])
    assert kept.content == path.read_bytes(), "the original is kept"


def test_an_empty_file_is_refused_before_anything_is_sent(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    vedette(stack, "dataset", "create", "bad")
    [pushed] = vedette(stack, "item", "push", str(tmp_path / "empty.tif"), "--dataset", "bad", "--wait", code=2)
    assert pushed["item"] is None
    assert "empty.tif is empty" in pushed["reason"]["message"]


def test_one_bad_file_does_not_keep_the_others_out(stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for index in range(3):
        blobs.write_scene(folder / f"{index}.tif", 300, 300 + index, blobs.centres(300, 300, 5, seed=index))
    truncated(folder / "bad.tif")
    vedette(stack, "dataset", "create", "mixed")
    pushed = vedette(stack, "item", "push", str(folder), "--dataset", "mixed", "--wait", code=2)
    states = {each["item"]["name"]: each["item"]["state"] for each in pushed}
    assert states == {"0.tif": "ready", "1.tif": "ready", "2.tif": "ready", "bad.tif": "failed"}


def test_an_image_without_georeference_works_in_pixels(stack: Stack, tmp_path: Path) -> None:
    centres = blobs.centres(500, 400, 30)
    scene = blobs.write_scene(tmp_path / "plain.tif", 500, 400, centres, georeferenced=False)
    vedette(stack, "dataset", "create", "pixels")
    vedette(stack, "detector", "apply", str(blobs.write_package(tmp_path / "p", name="pixels").folder))
    [pushed] = vedette(stack, "item", "push", str(scene), "--dataset", "pixels", "--wait")
    [run] = vedette(stack, "run", "start", "plain.tif", "--dataset", "pixels", "--detector", "pixels", "--wait")
    assert (run["state"], run["summary"]["detections"]) == ("succeeded", 30)
    [first] = get(stack, f"/api/runs/{run['id']}/detections", limit=1).json()["items"]
    ring = np.array(first["geometry"]["coordinates"][0])
    np.testing.assert_allclose(ring.mean(0).round(), [first["box"]["x"], first["box"]["y"]], atol=3)
    assert pushed["item"]["scene"]["crs"] is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_upload_that_was_cut_short_goes_on_where_it_stopped(
    stack: Stack, tmp_path: Path, how: signal.Signals
) -> None:
    """kill -9 and Ctrl-C in the middle; the second push sends the rest, and the scene is whole."""
    dataset = f"resumed-{how.name.lower()}"
    path = tmp_path / "large.tif"
    profile = {"driver": "GTiff", "width": 12_000, "height": 18_000, "count": 1, "dtype": "uint8"}
    profile |= {"crs": "EPSG:32617", "transform": Affine(0.1, 0, 400_000, 0, -0.1, 3_300_000)}
    with rasterio.open(path, "w", **profile) as large:
        large.write(np.random.default_rng(how).integers(1, 255, (1, 18_000, 12_000), np.uint8))
    vedette(stack, "dataset", "create", dataset)
    identifier = item_id(dataset, digest.of_file(path))
    command = [sys.executable, "-m", "appliance.cli.main", "item", "push", str(path), "--dataset", dataset]
    push = subprocess.Popen(command, env=stack.environment, stderr=subprocess.PIPE, text=True)
    try:
        until_a_part_is_there(stack, identifier, push)
    finally:
        push.send_signal(how)
        push.send_signal(signal.SIGCONT)
        said = push.communicate(timeout=60)[1]
    if how is signal.SIGINT:
        assert push.returncode == 130
        assert "Run the same command again: only what is missing is sent." in said
        assert "Traceback" not in said
    before = upload_parts(stack, identifier)
    assert 0 < sum(part["done"] for part in before) < len(before), "it was stopped too late to tell"
    [pushed] = vedette(stack, "item", "push", str(path), "--dataset", dataset, "--wait")
    assert pushed["item"]["id"] == str(identifier)
    assert pushed["item"]["state"] == "ready", "the media worker checks the digest of what arrived"


def until_a_part_is_there(stack: Stack, identifier: UUID, push: subprocess.Popen[str]) -> None:
    """The push goes on in short steps and stands still while the API is asked: it cannot have finished by the answer."""
    deadline = time.monotonic() + 200
    while not any(part["done"] for part in upload_parts(stack, identifier)):
        assert push.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        push.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        push.send_signal(signal.SIGSTOP)


def upload_parts(stack: Stack, identifier: UUID) -> list[Any]:
    """None before the item was announced."""
    answer = get(stack, f"/api/items/{identifier}/upload")
    return answer.json()["parts"] if answer.status_code == 200 else []


def slow_run(stack: Stack, tmp_path: Path, name: str) -> str:
    """A run that takes many seconds, under way; its identifier."""
    scene = blobs.write_scene(tmp_path / f"{name}.tif", 1200, 4800, blobs.centres(1200, 4800, 200))
    package = blobs.write_package(tmp_path / "package", name=name, burn=2)
    vedette(stack, "dataset", "create", name)
    vedette(stack, "detector", "apply", str(package.folder))
    vedette(stack, "item", "push", str(scene), "--dataset", name, "--wait")
    [run] = vedette(stack, "run", "start", f"{name}.tif", "--dataset", name, "--detector", name)
    deadline = time.monotonic() + 60
    while get(stack, f"/api/runs/{run['id']}").json()["progress"]["fraction"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(run["id"])


def test_a_run_is_cancelled_and_retried(stack: Stack, tmp_path: Path) -> None:
    run = slow_run(stack, tmp_path, "cancelled")
    asked = time.monotonic()
    vedette(stack, "run", "cancel", run)
    wait_for_state(stack, run, {"cancelled"})
    assert time.monotonic() - asked < 10, "starting the command took most of it"
    vedette(stack, "run", "retry", run)
    assert wait_for_state(stack, run, {"succeeded", "failed"})["summary"]["detections"] == 200


def busy_with(stack: Stack, run: str) -> dict[str, Any]:
    """The worker that says it looks at the run: it says so beside reporting the start, in no order."""
    for _ in range(50):
        for worker in vedette(stack, "worker", "list"):
            if worker["busy_with"] == run:
                return dict(worker)
        time.sleep(0.1)
    raise AssertionError(f"no worker says that it is busy with {run}")


def test_a_killed_detector_worker_loses_no_run(stack: Stack, tmp_path: Path) -> None:
    run = slow_run(stack, tmp_path, "killed")
    worker = busy_with(stack, run)
    os.kill(worker["process_id"], signal.SIGKILL)
    ended = wait_for_state(stack, run, {"succeeded", "failed"}, 240)
    assert ended["state"] == "succeeded", ended["reason"]
    assert ended["summary"]["detections"] == 200


def test_labels_become_annotations_and_a_snapshot_that_can_be_pulled(stack: Stack, tmp_path: Path) -> None:
    """Import twice is once; precision and recall are said; the snapshot arrives whole."""
    centres = blobs.centres(600, 600, 40)
    blobs.write_scene(tmp_path / "labelled.tif", 600, 600, centres)
    rows = [f"labelled.tif,{x - 5.5},{y - 5.5},{x + 6.5},{y + 6.5},blob" for x, y in centres[:30]]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["image_path,xmin,ymin,xmax,ymax,label", *rows]) + "\n")
    vedette(stack, "dataset", "create", "labelled")
    package = blobs.write_package(tmp_path / "package", name="labelled")
    vedette(stack, "detector", "apply", str(package.folder), "--subscribe", "labelled")
    [pushed] = vedette(stack, "item", "push", str(tmp_path / "labelled.tif"), "--dataset", "labelled", "--wait-runs")
    for _ in range(2):
        assert vedette(stack, "dataset", "import", str(labels), "--dataset", "labelled")["imported"] == 30
    shown = vedette(stack, "run", "show", pushed["runs"][0]["id"])
    point = shown["evaluation"]["point"]
    assert (point["precision"], point["recall"]) == (pytest.approx(30 / 40), pytest.approx(1.0))

    made = vedette(stack, "dataset", "snapshot", "labelled", "--item", "labelled.tif", "--window", "0,0,600,300")
    assert made == vedette(
        stack, "dataset", "snapshot", "labelled", "--item", "labelled.tif", "--window", "0,0,600,300"
    )
    inside = sum(1 for _, y in centres[:30] if y + 0.5 < 300)
    assert made["manifest"]["annotations"] == inside
    folder = tmp_path / "pulled"
    pulled = vedette(stack, "dataset", "pull", made["digest"], "-o", str(folder))
    assert pulled["digest"] == made["digest"]
    [scene] = (folder / "items").iterdir()
    with rasterio.open(scene) as opened:
        assert (opened.width, opened.height) == (600, 600)
    scene.write_bytes(b"changed")
    vedette(stack, "dataset", "pull", made["digest"], "-o", str(folder))
    assert scene.stat().st_size > 1000, "what was changed is fetched again"


def test_tokens_open_and_close(stack: Stack) -> None:
    made = vedette(stack, "token", "create", "for a test")
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert httpx.get(f"{stack.url}/api/datasets", headers=headers).status_code == 200
    assert made["id"] in [token["id"] for token in vedette(stack, "token", "list")]
    vedette(stack, "token", "revoke", made["id"])
    assert httpx.get(f"{stack.url}/api/datasets", headers=headers).status_code == 401
    assert "#link=" in vedette(stack, "link", "create")["url"]


def test_what_is_deleted_is_gone(stack: Stack, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "gone.tif", 300, 300, blobs.centres(300, 300, 5))
    vedette(stack, "dataset", "create", "gone")
    vedette(stack, "item", "push", str(scene), "--dataset", "gone", "--wait")
    assert stack.vedette("item", "delete", "gone.tif", "--dataset", "gone").returncode == 2, "without --confirm"
    vedette(stack, "item", "delete", "gone.tif", "--dataset", "gone", "--confirm")
    assert vedette(stack, "item", "list", "--dataset", "gone") == []
    vedette(stack, "dataset", "delete", "gone", "--confirm")
    done = stack.vedette("item", "list", "--dataset", "gone")
    assert done.returncode == 2
    assert "gone" in done.stderr
