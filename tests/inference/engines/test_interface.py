"""Every name of TensorRT's and CUDA's interface that we use is in their published bindings.

Most of it cannot run without a card, and of the full TensorRT only the bindings are at hand, whose import needs its
libraries: names are looked for in the compiled module itself, where they stand as strings.
"""

from __future__ import annotations

import ast
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import tensorrt_rtx_bindings as rtx
from cuda.bindings import runtime

import appliance.inference

_INFERENCE = Path(appliance.inference.__file__).parent
_FILES = [_INFERENCE / "engines" / name for name in ("compile.py", "lane.py", "log.py")]
_FILES.append(_INFERENCE / "backends" / "tensorrt.py")

_OBJECTS: dict[str, Any] = {
    "trt": rtx,
    "builder": rtx.Builder,
    "network": rtx.INetworkDefinition,
    "config": rtx.IBuilderConfig,
    "parser": rtx.OnnxParser,
    "problem": rtx.ParserError,
    "source": rtx.ITensor,
    "cache": rtx.ITimingCache,
    "profile": rtx.IOptimizationProfile,
    "engine": rtx.ICudaEngine,
    "_engine": rtx.ICudaEngine,
    "_context": rtx.IExecutionContext,
    "_runtime": rtx.Runtime,
}
"""What the variables and fields of this name are, in these files."""

_OF_THE_PLAN = {"plan", "record"}
"""Of our own Engine, which backends/tensorrt.py is given under the same name."""


def _used() -> set[tuple[str, str]]:
    """(variable, name) for each attribute taken of one of these, enumerations by their members."""
    found = set()
    for file in _FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            parts = ast.unparse(node).removeprefix("self.").split(".")
            plain = len(parts) > 1 and all(part.isidentifier() for part in parts)
            if plain and parts[0] in _OBJECTS and parts[1] not in _OF_THE_PLAN:
                found.add((parts[0], ".".join(parts[1:])))
    return found


_USED = sorted(_used())


def test_the_search_finds_what_is_known_to_be_used() -> None:
    assert {
        ("builder", "build_serialized_network"),
        ("trt", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"),
        ("trt", "BuilderFlag.STRIP_PLAN"),
        ("config", "set_timing_cache"),
        ("_context", "execute_async_v3"),
        ("_runtime", "deserialize_cuda_engine"),
        ("_engine", "device_memory_size_v2"),
    } <= set(_USED)
    assert len(_USED) >= 35


@pytest.mark.parametrize(("variable", "name"), _USED)
def test_it_is_in_tensorrt_for_rtx(variable: str, name: str) -> None:
    at = _OBJECTS[variable]
    for part in name.split("."):
        assert hasattr(at, part), f"{variable}.{name}"
        at = getattr(at, part)


def _strings(distribution: str) -> bytes:
    files = metadata.files(distribution) or []
    compiled = [Path(str(each.locate())) for each in files if each.name.endswith(".so")]
    assert len(compiled) == 1
    return compiled[0].read_bytes()


@pytest.fixture(scope="module")
def full() -> bytes:
    return _strings("tensorrt-cu13-bindings")


@pytest.mark.parametrize("name", sorted({part for _, name in _USED for part in name.split(".")}))
def test_it_is_in_the_full_tensorrt(full: bytes, name: str) -> None:
    if name == "nptype":  # written in Python
        init = next(each for each in metadata.files("tensorrt-cu13-bindings") or [] if each.name == "__init__.py")
        assert b"def nptype(" in Path(str(init.locate())).read_bytes()
    else:
        # Linkers let one string be the tail of another, so that only its end is sure to be seen.
        assert name.encode() + b"\x00" in full


def test_looking_into_the_compiled_module_can_fail(full: bytes) -> None:
    assert b"execute_async_v4\x00" not in full
    assert b"strip_the_plan\x00" not in full


def test_callbacks_are_named_as_the_library_calls_them() -> None:
    for name in ("phase_start", "step_complete", "phase_finish"):
        assert hasattr(rtx.IProgressMonitor, name)
    assert hasattr(rtx.ILogger, "log")


def test_cuda_is_called_by_names_it_has() -> None:
    tree = ast.parse((_INFERENCE / "engines" / "cuda.py").read_text("utf-8"))
    texts = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    used = {text.removeprefix("cuda.") for text in texts if re.fullmatch(r"cuda(\.\w+)+", text)}
    assert {"cudaHostAlloc", "cudaMemcpyAsync", "cudaGraphLaunch", "cudaError_t.cudaErrorMemoryAllocation"} <= used
    for name in used:
        at: Any = runtime
        for part in name.split("."):
            assert hasattr(at, part), name
            at = getattr(at, part)
