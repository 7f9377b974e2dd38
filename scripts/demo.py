"""`make demo`: real tree crowns, found by a real detector on a real aerial scene, on a map in the browser.

    .venv/bin/python scripts/demo.py [--no-wait] [--data DIR] [--package DIR]

Types the commands a person would type, against a Vedette of its own, and ends by saying how right the detections are.
Safe to run twice: what is done is not done again. A Vedette that it started is stopped when it ends.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.api.views.accounts import LinkRequest, LinkView
from appliance.cli.output import Output
from appliance.cli.progress import on
from appliance.cli.run.show import evaluation
from appliance.cli.waiting import Patience, for_run
from appliance.clients.http import ApiClient
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import item_id
from appliance.contracts.run import Run, RunState, run_id
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage
from appliance.standalone import local

ROOT = Path(__file__).resolve().parent.parent
DATASET = "demo"
SCENE = "2019_YELL_2_541000_4977000_image_crop.png"
LABELS = "2019_YELL_2_541000_4977000_image_crop.xml"
"""The held-out scene: 13 km from the one that the demo's detector was trained on."""

_RUN_APPEARS_SECONDS = 120.0
_RUN_SECONDS = 1800.0


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        package = _package(given.package)
        folder = _imagery()
        with _vedette(given.data) as address, ApiClient(address.url, address.token) as api:
            run = _detections(api, given.data, package, folder)
            _say(api, run)
            if not given.no_wait:
                print("\nServing until Ctrl-C.", flush=True)
                threading.Event().wait()
    except KeyboardInterrupt:
        print(flush=True)
        return 0
    except VedetteError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    share = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    parser = argparse.ArgumentParser(prog="scripts/demo.py", description="Tree crowns on a real aerial scene.")
    parser.add_argument("--no-wait", action="store_true", help="stop after the print")
    parser.add_argument("--data", type=Path, default=share / "vedette-demo", help="the demo's own data folder")
    parser.add_argument("--package", type=Path, default=ROOT / "demo" / "tree-crowns", help="the detector")
    return parser.parse_args()


def _interrupt() -> None:
    raise KeyboardInterrupt


def _package(folder: Path) -> ModelPackage:
    if not folder.is_dir():
        raise VedetteError(Code.NOT_FOUND, f"The demo's detector is not in {folder}.", "`make demo-model` trains it.")
    return model_package.read(folder)


def _imagery() -> Path:
    """The folder of the labelled scenes, fetched the first time."""
    spec = importlib.util.spec_from_file_location("fetch_data", ROOT / "scripts" / "fetch_data.py")
    assert spec is not None
    assert spec.loader is not None
    fetch_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetch_data)
    print("The scene: NEON aerial imagery of Yellowstone, 0.1 m per pixel, with 279 labelled crowns", flush=True)
    try:
        folder: Path = fetch_data.fetch()
    except fetch_data.FetchError as error:
        raise VedetteError(Code.UNAVAILABLE, str(error), "Try again with a network.") from error
    return folder


@contextmanager
def _vedette(data: Path) -> Iterator[local.LocalAddress]:
    """The demo's Vedette; one that runs already is used, and left running."""
    found = local.find(data)
    started = found is None
    if started:
        _type(data, "up", "--detach")
        found = local.find(data)
    if found is None:
        raise VedetteError(Code.UNAVAILABLE, "Vedette did not start.", f"See `vedette logs --data {data}`.")
    try:
        yield found
    finally:
        if started:
            _type(data, "down")
        else:
            print(f"It ran before and is left running: `vedette down --data {data}` stops it.", flush=True)


def _detections(api: ApiClient, data: Path, package: ModelPackage, folder: Path) -> Run:
    """Everything a person does, and the run that comes of it."""
    scene = folder / SCENE
    _type(data, "dataset", "create", DATASET, "--title", "Demo: tree crowns")
    _type(data, "item", "push", str(scene), "--dataset", DATASET, "--wait")
    _type(data, "dataset", "import", str(folder / LABELS), "--dataset", DATASET)
    _type(data, "detector", "apply", str(package.folder), "--subscribe", DATASET)
    item = item_id(DATASET, digest.of_file(scene))
    with on(Output(as_json=False)) as show:
        expected = run_id(item, package.digest)
        run = _appeared(api, expected)
        if run.state in (RunState.FAILED, RunState.CANCELLED):
            run = api.post(f"/api/runs/{expected}/retry", None, Run)
        run = for_run(api, run.id, Patience(_RUN_SECONDS), show)
    if run.state is not RunState.SUCCEEDED:
        reason = run.reason or f"The run was {run.state}."
        raise VedetteError(Code.INTERNAL, str(reason), f"See `vedette logs --data {data}`.")
    return run


def _appeared(api: ApiClient, run: object) -> Run:
    """The subscription makes the run; it takes a moment."""
    deadline = time.monotonic() + _RUN_APPEARS_SECONDS
    while True:
        try:
            return api.get(f"/api/runs/{run}", Run)
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND or time.monotonic() > deadline:
                raise
        time.sleep(0.3)


def _say(api: ApiClient, run: Run) -> None:
    """The figures, and the address that opens the scene for whoever has the link."""
    figures = evaluation(api, run)
    assert run.summary is not None
    if figures is None:
        raise VedetteError(Code.LABELS, f"{run.item_name} has no annotations to compare with.", "Run the demo again.")
    point = figures.point
    print(f"\n{point.true_positives + point.false_positives} detections", end="")
    print(f" at threshold {point.threshold:.3f}, against {figures.annotations} crowns labelled by people")
    print(f"precision {point.precision:.3f}")
    print(f"recall    {point.recall:.3f}")
    print(f"(a detection is right when it overlaps a labelled crown with an IoU of at least {figures.overlap})")
    link = api.post("/api/links", LinkRequest(), LinkView)
    print(f"\nLook at them, signed in by this one-time link:\n{scene_address(link.url, run)}", flush=True)


def scene_address(link: str, run: Run) -> str:
    """The link, which ends in `/sign-in#link=...`, with the place in the page where it should lead."""
    page, _, secret = link.partition("#")
    return f"{page}?dataset={DATASET}&scene={run.item_id}&run={run.id}&annotations=1#{secret}"


def _type(data: Path, *words: str) -> None:
    """Run one command as a person would, and show it."""
    print(f"\n$ vedette {' '.join(words)}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("VEDETTE_URL", "VEDETTE_TOKEN")}
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *words], env=environment | {"VEDETTE_DATA": str(data)}, check=False
    )
    if done.returncode == 130:
        raise KeyboardInterrupt
    if done.returncode:
        raise VedetteError(
            Code.INTERNAL, f"`vedette {' '.join(words)}` ended with {done.returncode}.", "It said why above."
        )


if __name__ == "__main__":
    sys.exit(main())
