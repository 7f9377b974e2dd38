"""`auto`: what is measured, remembered, believed and said. Every backend here is a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import agreement, catalogue, choice, probe, ranking, remembered
from appliance.inference.backends.agreement import Seen
from appliance.inference.backends.base import Allowance, Backend, Outputs
from appliance.inference.backends.catalogue import REFERENCE, Entry
from appliance.inference.backends.fitting import Fitting
from appliance.inference.backends.ranking import Measured
from tests.inference.backends import graphs
from tests.inference.backends.conftest import TWO_THREADS, make_package

KEY = "sha256:" + "a" * 64


class Counted:
    """The real entries, and how often each was opened; `only` are those that are to be here."""

    def __init__(self, only: tuple[str, ...] = (REFERENCE, "openvino")) -> None:
        self.opened: list[str] = []
        self.open_now: set[str] = set()
        self.most_open = 0
        self.entries = [self._counting(entry) for entry in catalogue.entries() if entry.name in only]

    def _counting(self, entry: Entry) -> Entry:
        def opening(package: ModelPackage, allowance: Allowance) -> Backend:
            self.opened.append(entry.name)
            self.open_now.add(entry.name)
            self.most_open = max(self.most_open, len(self.open_now))
            backend = entry.open(package, allowance)
            close = backend.close

            def closing() -> None:
                self.open_now.discard(entry.name)
                close()

            backend.close = closing  # type: ignore[method-assign]
            return backend

        return replace(entry, open=opening)


def test_it_measures_once_one_at_a_time_and_remembers(cells: ModelPackage, tmp_path: Path) -> None:
    counted = Counted()
    first = choice._automatic(counted.entries, Fitting(cells), TWO_THREADS, tmp_path / "kept").backend
    assert counted.opened[:4] == [REFERENCE, "openvino"] * 2
    assert len(counted.opened) == 5
    assert counted.most_open == 1
    again = choice._automatic(counted.entries, Fitting(cells), TWO_THREADS, tmp_path / "kept").backend
    assert len(counted.opened) == 6
    assert again.about == first.about
    assert first.about.why.startswith(f"auto chose {first.about.name}: ")
    assert "tiles a second; " in first.about.why
    tiles, head = probe.tiles(cells.manifest.input, 2), cells.manifest.decode
    assert agreement.difference(Seen(head, first.infer(tiles)), Seen(head, again.infer(tiles))) == ""
    for backend in (first, again):
        backend.interrupt()
        backend.close()


def test_other_threads_packages_libraries_and_batches_are_other_keys(cells: ModelPackage, tmp_path: Path) -> None:
    entries = Counted().entries
    other = make_package("centre", tmp_path / "other")
    newer = [replace(entries[0], distributions=("numpy",)), entries[1]]
    keys = {
        choice.key_of(entries, cells, TWO_THREADS),
        choice.key_of(entries, other, TWO_THREADS),
        choice.key_of(entries[:1], cells, TWO_THREADS),
        choice.key_of(newer, cells, TWO_THREADS),
        choice.key_of(entries, cells, replace(TWO_THREADS, threads=1)),
        choice.key_of(entries, cells, replace(TWO_THREADS, batch_size=5)),
        choice.key_of(entries, cells, replace(TWO_THREADS, device_memory_bytes=1)),
    }
    assert len(keys) == 7


def test_two_that_load_at_once_measure_once(cells: ModelPackage, tmp_path: Path) -> None:
    counted = Counted()
    threads = [
        threading.Thread(target=choice.recall, args=(counted.entries, Fitting(cells), TWO_THREADS, tmp_path))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(counted.opened) == 4


def _truncated(file: Path) -> None:
    file.write_text(file.read_text()[:40])


def _of_another_key(file: Path) -> None:
    file.write_text(file.read_text().replace("a" * 64, "b" * 64))


def _with_more(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "trust": True}))


def _impossible(file: Path) -> None:
    file.write_text(file.read_text().replace("0.25", "-1"))


def _anybodys(file: Path) -> None:
    file.chmod(0o666)


def _linked(file: Path) -> None:
    file.rename(file.with_suffix(".kept"))
    file.symlink_to(file.with_suffix(".kept"))


def _endless(file: Path) -> None:
    file.write_text(file.read_text() + " " * (1 << 20))


@pytest.mark.parametrize("damage", [_truncated, _of_another_key, _with_more, _impossible, _anybodys, _linked, _endless])
def test_a_file_that_is_not_as_it_was_written_is_not_believed(damage: Callable[[Path], None], tmp_path: Path) -> None:
    measured = [
        Measured(name=REFERENCE, seconds=0.25),
        Measured(name="openvino", seconds=None, refusal="it is not here"),
    ]
    remembered.save(tmp_path, KEY, measured)
    assert remembered.load(tmp_path, KEY) == measured
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    damage(file)
    assert remembered.load(tmp_path, KEY) is None
    if not file.is_symlink():
        remembered.save(tmp_path, KEY, measured)
        assert remembered.load(tmp_path, KEY) == measured


def test_where_nothing_can_be_kept_the_choice_is_made_all_the_same(cells: ModelPackage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    counted = Counted((REFERENCE, "openvino"))
    backend = choice._automatic(counted.entries, Fitting(cells), TWO_THREADS, tmp_path / "file" / "folder").backend
    assert backend.about.why.startswith("auto chose ")
    backend.close()


def _wrong(entry: Entry, folder: Path) -> Entry:
    """The same library, on a model that shifts its boxes by two pixels."""
    graph = graphs.graph("boxes")
    places = next(weight for weight in graph.graph.initializer if weight.name == "places")
    places.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(places) + np.float32(2), "places"))
    other = graphs.save(folder, graph)
    return replace(entry, open=lambda _, allowance: entry.open(other, allowance))


def test_a_backend_that_finds_something_else_is_not_chosen_and_it_says_so(cells: ModelPackage, tmp_path: Path) -> None:
    reference, other = Counted().entries
    backend = choice._automatic(
        [reference, _wrong(other, tmp_path / "wrong")], Fitting(cells), TWO_THREADS, tmp_path
    ).backend
    assert backend.about.name == REFERENCE
    assert "not openvino: 100 of 100 objects differ" in backend.about.why
    backend.close()


def test_a_backend_that_cannot_open_the_model_is_named_and_the_reference_serves(
    cells: ModelPackage, tmp_path: Path
) -> None:
    def lacking(package: ModelPackage, allowance: Allowance) -> Backend:
        raise VedetteError(Code.UNSUPPORTED, "OpenVINO 2026.4.1 lacks Sharpen, which model.onnx uses.", "Take auto.")

    reference, other = Counted().entries
    backend = choice._automatic(
        [reference, replace(other, open=lacking)], Fitting(cells), TWO_THREADS, tmp_path
    ).backend
    assert backend.about.name == REFERENCE
    assert "not openvino: OpenVINO 2026.4.1 lacks Sharpen, which model.onnx uses." in backend.about.why
    backend.close()


def test_a_chosen_backend_that_fails_later_leaves_the_work_to_the_reference(
    cells: ModelPackage, tmp_path: Path
) -> None:
    reference, other = Counted().entries
    fast = [Measured(name=REFERENCE, seconds=0.5), Measured(name="openvino", seconds=0.1)]
    remembered.save(tmp_path, choice.key_of([reference, other], cells, TWO_THREADS), fast)

    def broken(package: ModelPackage, allowance: Allowance) -> Backend:
        raise VedetteError(Code.UNSUPPORTED, "The library does not load.")

    backend = choice._automatic([reference, replace(other, open=broken)], Fitting(cells), TWO_THREADS, tmp_path).backend
    assert backend.about.name == REFERENCE
    assert (
        "openvino was the fastest but failed now: The library does not load; onnxruntime serves." in backend.about.why
    )
    assert len(backend.infer(probe.tiles(cells.manifest.input, 2))["scores"]) == 2
    backend.close()


def test_a_model_that_is_at_fault_is_refused_as_it_would_be_by_the_reference(
    cells: ModelPackage, tmp_path: Path
) -> None:
    cells.model_path.write_bytes(b"no model")
    with pytest.raises(VedetteError, match="cannot be loaded"):
        choice.open_backend("auto", cells, TWO_THREADS, tmp_path)
    assert list(tmp_path.glob("*.json")) == []


def _seconds(**given: float | None) -> list[Measured]:
    return [
        Measured(name=name.replace("_", "-"), seconds=seconds, refusal="" if seconds else "it differs")
        for name, seconds in given.items()
    ]


def test_the_fastest_is_taken_and_the_reference_where_the_difference_is_noise() -> None:
    assert ranking.fastest(_seconds(onnxruntime=0.1, openvino=0.09)) == "openvino"
    assert ranking.fastest(_seconds(onnxruntime=0.1, openvino=0.098)) == REFERENCE
    assert ranking.fastest(_seconds(onnxruntime=0.1, openvino=None)) == REFERENCE
    assert ranking.fastest(_seconds(onnxruntime=None, openvino=0.2)) == "openvino"
    assert ranking.fastest(_seconds(onnxruntime=0.1, openvino=0.09, onnxruntime_cuda=0.01)) == "onnxruntime-cuda"
    assert ranking.fastest(_seconds(onnxruntime=None)) is None
    assert ranking.sentence("openvino", _seconds(onnxruntime=0.1, openvino=0.05, onnxruntime_cuda=None)) == (
        "auto chose openvino: 20 tiles a second; onnxruntime 10 tiles a second; not onnxruntime-cuda: it differs."
    )


@pytest.mark.parametrize("kind", ["boxes", "rotated-boxes", "instance-masks"])
def test_agreement_sees_moves_turns_scores_and_masks_but_not_the_order(kind: str, tmp_path: Path) -> None:
    package = make_package(kind, tmp_path / "package")
    backend = catalogue.named(REFERENCE).open(package, TWO_THREADS)
    outputs = dict(backend.infer(probe.tiles(package.manifest.input, 2)))
    backend.close()

    def seen(told: Outputs) -> Seen:
        return Seen(package.manifest.decode, told)

    def differs(**changed: NDArray[Any]) -> bool:
        return agreement.difference(seen(outputs), seen({**outputs, **changed})) != ""

    boxes, scores = outputs["boxes"], outputs["scores"]
    backwards = {name: array[:, ::-1] for name, array in outputs.items()}
    assert agreement.difference(seen(outputs), seen(backwards)) == ""
    assert not differs(boxes=boxes + np.float32(0.1), scores=scores + np.float32(0.001))
    assert differs(boxes=boxes + np.float32(0.8))
    assert differs(scores=scores - np.float32(0.02))
    assert differs(classes=outputs["classes"] + 1)
    assert differs(scores=np.full_like(scores, np.nan))
    assert differs(**{name: array[:, :30] for name, array in outputs.items()}), "what one alone finds counts too"
    if kind == "rotated-boxes":
        assert differs(boxes=boxes + np.array([0, 0, 0, 0, 20], np.float32))
    if kind == "instance-masks":
        assert differs(masks=outputs["masks"] - np.float32(0.15))
