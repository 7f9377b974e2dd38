"""One build with TensorRT: graph and profile in, plan out. Called by child.py, in a process of its own: the library may end
the process it is in, and takes memory that it does not give back.

Networks are strongly typed: precision is what the graph says, FP16 by its types and INT8 by its Q/DQ pairs, never a choice
of the builder. Every name of the library's interface that is used here is held against the published bindings by a test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.engines import graph, libraries
from appliance.inference.engines.log import Said, logger
from appliance.inference.engines.phases import Phases
from appliance.inference.engines.spec import Flag, Order, Span

Report = Callable[[str, float], bool]
"""The phase and how far the build is, 0 to 1; False ends the build."""

_MOST_NAMED = 5
_SERVED = "ONNX Runtime serves the model meanwhile."


def compile_plan(order: Order, report: Report) -> bytes:
    """Build the plan. Raises VedetteError: UNSUPPORTED names the nodes that the library lacks, LIMIT says memory was short,
    CANCELLED when `report` said so, MODEL_PACKAGE for a graph that is none, INVALID for a profile that does not fit."""
    key = order.key
    trt = libraries.load(key.library)
    said = Said()
    builder = trt.Builder(logger(trt, said))
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(trt, network, said, order)
    config = builder.create_builder_config()
    watch = _monitor(trt, report)
    config.progress_monitor = watch
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, key.workspace_bytes)
    if Flag.VERSION_COMPATIBLE in key.flags:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if Flag.STRIPPED in key.flags:
        config.set_flag(trt.BuilderFlag.STRIP_PLAN)
    _profile(builder, network, config, order)
    _timing_cache(config, order)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _failure(order, said, cancelled=watch.cancelled)
    if (cache := config.get_timing_cache()) is not None and order.timing_cache is not None:
        _keep(Path(order.timing_cache), bytes(cache.serialize()))
    return bytes(plan)


def _monitor(trt: Any, report: Report) -> Any:
    phases = Phases()

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._tell(phase_name, phases.start(phase_name, parent_phase, num_steps))

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._tell(phase_name, phases.step(phase_name, step))
            return not self.cancelled

        def phase_finish(self, phase_name: str) -> None:
            self._tell(phase_name, phases.finish(phase_name))

        def _tell(self, phase_name: str, fraction: float) -> None:
            if not report(phase_name, fraction):
                self.cancelled = True

    return Monitor()


def _parse(trt: Any, network: Any, said: Said, order: Order) -> None:
    parser = trt.OnnxParser(network, logger(trt, said))
    if parser.parse(graph.prepare(Path(order.model), order.input_name)):
        return
    title = order.key.library.label
    errors = [parser.get_error(place) for place in range(parser.num_errors)]
    named = [f"'{problem.node_name()}' ({problem.node_operator()})" for problem in errors if problem.node_operator()]
    if not named:
        reason = " ".join(errors[0].desc().split())[:200].rstrip(".") if errors else "it gives no reason"
        raise VedetteError(Code.MODEL_PACKAGE, f"{title} cannot read {order.model}: {reason}.", _SERVED)
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    why = " ".join(errors[0].desc().split())[:200].rstrip(".")
    detail = f": {why}" if len(why) > len("false") else ""
    text = f"{title} lacks what the model needs in {', '.join(named[:_MOST_NAMED])}{more}{detail}."
    raise VedetteError(Code.UNSUPPORTED, text, _SERVED)


def _profile(builder: Any, network: Any, config: Any, order: Order) -> None:
    """Sizes for every axis that the graph leaves open; one that it fixes must be what is asked for."""
    source = next(network.get_input(place) for place in range(network.num_inputs))
    batch, side = order.key.profile.batch, order.key.profile.side
    bands = Span(least=order.bands, best=order.bands, most=order.bands)
    spans = [batch, side, side, bands] if order.layout == "nhwc" else [batch, bands, side, side]
    for fixed, span in zip(source.shape, spans, strict=True):
        if fixed >= 0 and (span.least, span.most) != (fixed, fixed):
            text = f"The graph takes {fixed} where the profile asks for {span}."
            raise VedetteError(Code.INVALID, text, f"Ask for {fixed} alone, or export the graph with that axis open.")
    shapes = [tuple(getattr(span, which) for span in spans) for which in ("least", "best", "most")]
    profile = builder.create_optimization_profile()
    profile.set_shape(source.name, *shapes)
    if config.add_optimization_profile(profile) < 0:
        text = f"{order.key.library.label} takes no batch of {batch} with tiles of {side}."
        raise VedetteError(Code.INVALID, text, "Ask for other sizes.")


def _timing_cache(config: Any, order: Order) -> None:
    """What earlier builds on this card measured: full TensorRT only. A file that is none is begun anew."""
    if order.timing_cache is None or order.key.library not in libraries.WITH_TIMING_CACHE:
        return
    path = Path(order.timing_cache)
    cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
    cache = cache or config.create_timing_cache(b"")
    config.set_timing_cache(cache, False)


def _keep(path: Path, content: bytes) -> None:
    """Two builds may end at once: the later one's measurements stay, whole."""
    part = path.with_name(f"{path.name}.partial")
    with contextlib.suppress(OSError):  # only time is lost without it
        part.write_bytes(content)
        part.replace(path)


def _failure(order: Order, said: Said, *, cancelled: bool) -> VedetteError:
    title = order.key.library.label
    if cancelled:
        return VedetteError(Code.CANCELLED, "The build was cancelled.", "Nothing was left; build again at any time.")
    reason = said.last()
    if any(
        word in " ".join(said.errors).lower()
        for word in ("out of memory", "outofmemory", "bad_alloc", "insufficient workspace")
    ):
        workspace = order.key.workspace_bytes >> 20
        text = f"{title} had too little memory to build the engine (workspace {workspace} MiB): {reason}."
        return VedetteError(Code.LIMIT, text, "Allow a larger workspace, or ask for a smaller batch.")
    return VedetteError(Code.UNSUPPORTED, f"{title} could not build the engine: {reason}.", _SERVED)
