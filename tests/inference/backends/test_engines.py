"""Engines among the backends: why they cannot run, what serves meanwhile, and that nothing is measured in their name.

Engines are built for real, by TensorRT for RTX; there is no card that one could run on, and with one at hand it is hidden.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from appliance.cli import main
from appliance.contracts.errors import VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference import worker
from appliance.inference.backends import catalogue, choice, probe
from appliance.inference.backends.catalogue import REFERENCE, Entry
from appliance.inference.backends.fitting import Fitting
from appliance.inference.engines import obtain, opening, request
from appliance.inference.engines.obtain import Watch
from appliance.inference.engines.spec import Library
from appliance.inference.worker_metrics import DetectorMetrics
from tests.inference.backends.conftest import TWO_THREADS

_SECONDS = 200


@pytest.fixture(autouse=True)
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VEDETTE_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tmp_path / "engines"


def entry(name: str) -> Entry:
    return next(each for each in catalogue.entries() if each.name == name)


def believed() -> list[Entry]:
    """The reference, and TensorRT for RTX as if a card were there."""
    return [entry(REFERENCE), replace(entry("tensorrt-rtx"), missing=lambda: "")]


def test_what_is_missing_is_said_and_the_name_refused() -> None:
    assert entry("tensorrt").device
    assert "TensorRT is not installed" in entry("tensorrt").missing()
    assert "NVIDIA" in entry("tensorrt-rtx").missing()
    assert entry("tensorrt-rtx").version.startswith("tensorrt-rtx-cu")
    for name in Library:
        with pytest.raises(VedetteError, match=f"The backend {name} cannot run here: {entry(name).missing()}"):
            catalogue.named(name)


def test_auto_goes_on_without_engines_where_they_cannot_run(cells: ModelPackage, tmp_path: Path) -> None:
    every = [entry(REFERENCE), entry("tensorrt"), entry("tensorrt-rtx")]
    backend = choice._automatic(every, Fitting(cells), TWO_THREADS, tmp_path).backend
    assert backend.about.why == "auto chose onnxruntime: no other can run here."
    backend.close()


def test_an_engine_that_is_not_built_is_not_measured(cells: ModelPackage, engines: Path, tmp_path: Path) -> None:
    backend = choice._automatic(believed(), Fitting(cells), TWO_THREADS, tmp_path / "kept").backend
    assert backend.about.name == REFERENCE
    assert (
        "; not tensorrt-rtx: it has no engine of this model yet, which "
        "`vedette engine build --backend tensorrt-rtx --precision fp32` makes." in backend.about.why
    )
    assert list(engines.glob("*.plan")) == [], "auto builds nothing"
    backend.close()


def test_an_engine_that_is_built_is_measured_itself_and_nothing_in_its_place(
    cells: ModelPackage, tmp_path: Path
) -> None:
    """What was remembered without it is not believed; without a card it does not load, and that is said of it."""
    kept = tmp_path / "kept"
    choice._automatic(believed(), Fitting(cells), TWO_THREADS, kept).backend.close()
    asked = opening.asked_for(Library.RTX, cells.precision, TWO_THREADS)
    obtain.obtain(request.cache(), request.wish(cells, asked), Watch())
    assert believed()[1].unready(cells, TWO_THREADS) == ""
    backend = choice._automatic(believed(), Fitting(cells), TWO_THREADS, kept).backend
    assert backend.about.name == REFERENCE
    assert "; not tensorrt-rtx: An engine cannot run on this machine: there is no NVIDIA" in backend.about.why
    assert len(list(kept.glob("*.json"))) == 2
    backend.close()


def test_one_engine_serves_every_usual_batch_and_the_command_that_is_named_makes_it(
    cells: ModelPackage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(batch: int) -> str:
        asked = opening.asked_for(Library.RTX, cells.precision, replace(TWO_THREADS, batch_size=batch))
        return opening.not_built(cells, asked)

    assert lacking(8) == lacking(16) != ""
    assert main.run(["engine", "build", str(cells.folder), "--backend", "tensorrt-rtx", "--precision", "fp32"]) == 0
    assert [lacking(batch) for batch in (1, 8, 16)] == ["", "", ""]
    assert lacking(32).endswith("`vedette engine build --backend tensorrt-rtx --precision fp32 --batch 1:32:32` makes")


def test_a_graph_that_is_in_no_package_yet_is_built_too_and_nothing_else_is_left(
    cells: ModelPackage, engines: Path
) -> None:
    """As `vedette detector optimise` measures its candidates: it looks into many graphs, and builds only those that are judged."""
    rtx, reference = entry("tensorrt-rtx"), entry(REFERENCE)
    with pytest.raises(VedetteError, match="An engine cannot run on this machine: there is no NVIDIA"):
        rtx.load(cells.model_path, cells.manifest, TWO_THREADS)
    assert len(list(engines.glob("*.plan"))) == 1
    assert [path for path in (engines / "unfinished").rglob("*") if path.is_file()] == []
    assert catalogue.studied(rtx).name == REFERENCE
    assert catalogue.studied(reference).name == REFERENCE
    assert catalogue.studied(entry("openvino")).name == "openvino"


def test_a_folder_of_engines_that_is_not_ours_alone_is_said(cells: ModelPackage, engines: Path, tmp_path: Path) -> None:
    engines.mkdir(mode=0o755)
    backend = choice._automatic(believed(), Fitting(cells), TWO_THREADS, tmp_path / "kept").backend
    assert "not tensorrt-rtx: " in backend.about.why
    assert "not a folder of mode 0700" in backend.about.why
    backend.close()


def test_by_name_onnx_runtime_serves_while_it_is_built_and_the_seconds_are_counted(
    cells: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Believing in a card, it builds twice, since what it built does not load here; the work goes on all the time."""
    monkeypatch.setattr(opening, "missing", lambda _library: "")
    registry = CollectorRegistry()
    backend = worker._load(cells, "tensorrt-rtx", TWO_THREADS, DetectorMetrics(registry)).backend
    tiles = probe.tiles(cells.manifest.input, 2)
    deadline = time.monotonic() + _SECONDS
    while "no engine loads" not in backend.about.why:
        assert len(backend.infer(tiles)["scores"]) == 2
        assert time.monotonic() < deadline, backend.about
    of = {"detector": cells.manifest.name, "version": cells.manifest.version}
    assert registry.get_sample_value("vedette_engine_build_seconds_count", of) == 2
    assert (registry.get_sample_value("vedette_engine_build_seconds_sum", of) or 0) > 0
    assert len(backend.infer(tiles)["scores"]) == 2
    backend.close()
