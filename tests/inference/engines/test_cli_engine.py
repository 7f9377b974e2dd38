"""`vedette engine` as it is typed, and by several processes at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest

from appliance.cli.main import run
from tests.inference.engines import graphs
from tests.inference.models import write_package

_RTX = ["--backend", "tensorrt-rtx"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "package").folder


@pytest.fixture(autouse=True)
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VEDETTE_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # the same with a card at hand
    return tmp_path / "engines"


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "appliance.cli.main", "engine", "build", *arguments, *_RTX]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_build_list_and_remove(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = ["engine", "build", str(package), "--batch", "1:2:4", *_RTX]
    assert run([*build, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["built"]
    assert first["seconds"] > 0
    assert first["key"]["device"] == "no device"
    assert run(build) == 0
    assert "was there already" in capsys.readouterr().out
    assert run(["engine", "list"]) == 0
    assert first["name"][:12] in capsys.readouterr().out
    assert run(["engine", "list", "--json"]) == 0
    assert [each["plan"] for each in json.loads(capsys.readouterr().out)] == [first["plan"]]
    assert run(["engine", "remove", first["name"][:8]]) == 0
    assert run(["engine", "list", "--json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--batch", "9:1", *_RTX], "is no batch"),
        (["--batch", "0", *_RTX], "is no batch"),
        (["--tile-size", "x", *_RTX], "is no tile size"),
        (["--precision", "fp16", *_RTX], "has no fp16 variant"),
        (["--flag", "version-compatible", *_RTX], "makes no version-compatible plans"),
        (["--flag", "stripped", *_RTX], "only where there is a card"),
        ([], "TensorRT is not installed on this machine"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(
    package: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["engine", "build", str(package), *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert sentence in said[0]


def test_a_precision_that_is_none_is_refused(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engine", "build", str(package), "--precision", "fp64", *_RTX]) == 2
    assert "'fp64' is not one of" in capsys.readouterr().err


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engine", "remove", "abc"]) == 2
    assert "beginning of no engine" in capsys.readouterr().err


def test_a_limit_or_a_folder_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VEDETTE_ENGINES_BYTES", "lots")
    assert run(["engine", "list"]) == 2
    assert "no number of bytes" in capsys.readouterr().err
    monkeypatch.delenv("VEDETTE_ENGINES_BYTES")
    (tmp_path / "file").touch()
    for wrong, words in ((tmp_path / "file", "not to be trusted"), (tmp_path / "file" / "in", "cannot be made")):
        monkeypatch.setenv("VEDETTE_ENGINES", str(wrong))
        assert run(["engine", "list"]) == 2
        assert words in capsys.readouterr().err


def test_four_processes_build_one_engine_once(package: Path) -> None:
    processes = [_start(str(package), "--json") for _ in range(4)]
    answers = [json.loads(process.communicate(timeout=200)[0]) for process in processes]
    assert sorted(answer["built"] for answer in answers) == [False, False, False, True]
    assert len({answer["plan"] for answer in answers}) == 1


@pytest.fixture
def long(package: Path) -> Path:
    """The package with a graph that takes some seconds to build."""
    model = onnx.load(graphs.convolution(package / "model.onnx", layers=400))
    onnx.save(model, package / "model.onnx")
    return package


def _begun(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert "building" in process.stderr.readline()


def _whatever_lies_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_an_interrupted_build_leaves_nothing(long: Path, engines: Path) -> None:
    process = _start(str(long))
    _begun(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (130, "")
    assert "was cancelled" in err
    assert _whatever_lies_in(engines) == []


def test_what_a_dead_process_left_stops_nobody(package: Path, long: Path, engines: Path) -> None:
    process = _start(str(long))
    _begun(process)
    process.kill()
    process.communicate(timeout=100)
    assert _whatever_lies_in(engines)  # its lock, and its folder
    small = write_package(package.parent / "small").folder
    assert run(["engine", "build", str(small), *_RTX]) == 0
    assert run(["engine", "build", str(long), *_RTX]) == 0
    deadline = time.monotonic() + 60  # the process that built for the dead one ends by itself
    while list((engines / "unfinished").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
        run(["engine", "build", str(small), *_RTX, "--batch", "3"])
    assert list((engines / "unfinished").iterdir()) == []
    assert list(engines.glob("*.lock")) == []
