"""What a worker tells of its cards, by a small libnvidia-ml.so.1 that is compiled here and loaded as NVIDIA's own would be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.inference.gpu_meter import visible

_ASK = """
import json, sys
from pathlib import Path
from prometheus_client import CollectorRegistry
from appliance.inference.gpu_meter import GpuMeter

told = Path(sys.argv[1])
meter, registry = GpuMeter(), CollectorRegistry()
registry.register(meter)
answers = []
for text in json.loads(sys.argv[2]):
    told.unlink() if text is None else told.write_text(text)
    samples = {f"{s.name} {s.labels['gpu_uuid']}": s.value for metric in registry.collect() for s in metric.samples}
    cards = [[card.uuid, card.name, *card.capability, card.cores, card.clock_hertz, card.bytes_per_second]
             for card in meter.cards()]
    answers.append({"samples": samples, "joules": meter.joules(), "held": meter.process_bytes(), "cards": cards})
print(json.dumps(answers))
"""
_WELL = "0 75 3000 8000 250500 10000 700\n0 5 100 8000 50000 90000 -1\n"


def asked(folder: Path, library: Path | None, *texts: str | None, **environment: str) -> tuple[list[Any], str]:
    """What the meter tells after each of these texts, and the log."""
    told = folder / "cards"
    if texts[0] is not None:
        told.write_text(texts[0])
    given = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    given |= {"NVML_STAND_IN": str(told), "LD_LIBRARY_PATH": str(library or folder)} | environment
    command = [sys.executable, "-c", _ASK, str(told), json.dumps(texts)]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *log, answers = done.stdout.splitlines()
    return json.loads(answers), "\n".join(log) + done.stderr


def test_the_figures_are_the_drivers_in_base_units(tmp_path: Path, nvml_library: Path) -> None:
    used = "0 75 3000 8000 250500 10000 700\n0 5 100 8000 50000 93500 -1\n"
    (_, told), _ = asked(tmp_path, nvml_library, _WELL, used)
    assert told["samples"] == {
        "nv_gpu_utilization GPU-a": 0.75,
        "nv_gpu_utilization GPU-b": 0.05,
        "nv_gpu_memory_used_bytes GPU-a": 3000,
        "nv_gpu_memory_used_bytes GPU-b": 100,
        "nv_gpu_memory_total_bytes GPU-a": 8000,
        "nv_gpu_memory_total_bytes GPU-b": 8000,
        "nv_gpu_power_usage GPU-a": 250.5,
        "nv_gpu_power_usage GPU-b": 50,
        "nv_energy_consumption GPU-a": 0,
        "nv_energy_consumption GPU-b": 3.5,
        "vedette_worker_gpu_memory_bytes GPU-a": 700,
    }
    assert (told["joules"], told["held"]) == (3.5, 700)
    assert told["cards"][0] == ["GPU-a", "Stand-in", 9, 0, 1280, 2e9, 1000e6 * 2 * 512 / 8]


def test_what_a_card_does_not_tell_is_absent(tmp_path: Path, nvml_library: Path) -> None:
    (told,), log = asked(tmp_path, nvml_library, "0 75 3000 8000 -1 -1 -1\n")
    assert set(told["samples"]) == {
        "nv_gpu_utilization GPU-a", "nv_gpu_memory_used_bytes GPU-a", "nv_gpu_memory_total_bytes GPU-a"
    }  # fmt: skip
    assert (told["joules"], told["held"]) == (None, None)
    assert "lost" not in log


def test_a_card_that_falls_off_the_bus_is_told_once_and_the_other_goes_on(tmp_path: Path, nvml_library: Path) -> None:
    lost = "15 75 3000 8000 250500 10000 700\n0 5 100 8000 50000 90000 -1\n"
    answers, log = asked(tmp_path, nvml_library, _WELL, lost, lost, _WELL)
    assert len(answers[0]["cards"]) == 2
    for told in answers[1:]:
        assert {name.split()[1] for name in told["samples"]} == {"GPU-b"}
        assert [card[0] for card in told["cards"]] == ["GPU-b"]
    assert log.count("card lost") == 1
    assert "GPU is lost" in log


def test_a_driver_that_goes_away_takes_its_figures_along(tmp_path: Path, nvml_library: Path) -> None:
    answers, _ = asked(tmp_path, nvml_library, _WELL, None)
    assert answers[0]["samples"]
    assert answers[1] == {"samples": {}, "joules": None, "held": None, "cards": []}


def test_without_a_driver_there_is_nothing(tmp_path: Path, nvml_library: Path) -> None:
    nothing = {"samples": {}, "joules": None, "held": None, "cards": []}
    no_library, _ = asked(tmp_path, None, "")
    assert no_library == [nothing]
    (tmp_path / "cards").unlink()
    no_module, _ = asked(tmp_path, nvml_library, "", NVML_STAND_IN=str(tmp_path / "nowhere"))
    assert no_module == [nothing]


def test_only_the_cards_of_this_process_are_told(tmp_path: Path, nvml_library: Path) -> None:
    (told,), _ = asked(tmp_path, nvml_library, _WELL, CUDA_VISIBLE_DEVICES="1")
    assert {name.split()[1] for name in told["samples"]} == {"GPU-b"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, ["GPU-aa", "GPU-ab"]),
        ("", []),
        ("1,0", ["GPU-ab", "GPU-aa"]),
        ("GPU-ab", ["GPU-ab"]),
        ("0,7,1", ["GPU-aa"]),
        ("GPU-a", []),
        ("-1,0", []),
        ("0,0", ["GPU-aa"]),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(wanted: str | None, found: list[str]) -> None:
    assert visible(["GPU-aa", "GPU-ab"], wanted) == found
