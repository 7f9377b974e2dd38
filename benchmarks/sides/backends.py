"""One backend on the probe's tiles, as many batches in flight as the pipeline keeps. With --bare, the backend's library without
it: the same settings, pieces and threads, driven by the fewest lines that can. What the wrapper costs is the difference.

Both sides open here, in one process, and take turns round by round: the machine's speed wanders more than what is measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import openvino as ov
from numpy.typing import NDArray

from appliance.formats import model_package
from appliance.inference.backends import catalogue, probe
from appliance.inference.backends.base import IN_FLIGHT, Allowance
from benchmarks.sides.process import answer

Look = Callable[[NDArray[Any]], object]


def onnxruntime(model: Path, _: int) -> Look:
    """A session whose every run takes one thread, however many run."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda piece: session.run(None, {name: piece})


def openvino(model: Path, threads: int) -> Look:
    """A compiled model with a stream for each thread, and a request for each call."""
    settings = {"NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": threads}
    settings |= {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    core = ov.Core()
    compiled = core.compile_model(core.read_model(str(model)), "CPU", settings)
    requests = [compiled.create_infer_request() for _ in range(threads)]

    def look(piece: NDArray[Any]) -> object:
        request = requests.pop()
        request.start_async({0: piece}, share_inputs=True)
        request.wait()
        answers = [np.array(output.data) for output in request.output_tensors]
        requests.append(request)
        return answers

    return look


BARE = {"onnxruntime": onnxruntime, "openvino": openvino}


def bare_round(look: Look, tiles: NDArray[Any], pieces: ThreadPoolExecutor) -> None:
    """As many tiles as a round of ours, in pieces of the same size, by the same number of threads."""
    size = max(1, len(tiles) // (2 * pieces._max_workers))
    places = [start for _ in range(IN_FLIGHT) for start in range(0, len(tiles), size)]
    list(pieces.map(lambda start: look(tiles[start : start + size]), places))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--backend", choices=sorted(BARE), required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    given = parser.parse_args()
    package = model_package.read(given.detector)
    tiles = probe.tiles(package.manifest.input, given.batch)
    backend = catalogue.named(given.backend).open(package, Allowance(given.threads, given.batch))
    look = BARE[given.backend](package.model_path, given.threads)
    look(tiles[:1])
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    with ThreadPoolExecutor(IN_FLIGHT) as batches, ThreadPoolExecutor(given.threads) as pieces:
        rounds = {
            "ours": lambda: list(batches.map(backend.infer, [tiles] * IN_FLIGHT)),
            "bare": lambda: bare_round(look, tiles, pieces),
        }
        for number in range(given.rounds + 1):
            for side, run in rounds.items() if number % 2 else reversed(rounds.items()):
                start = time.perf_counter()
                run()
                if number:  # the first warms up
                    seconds[side].append(time.perf_counter() - start)
    backend.close()
    count = IN_FLIGHT * len(tiles)
    answer(**{side: count / statistics.median(each) for side, each in seconds.items()})


if __name__ == "__main__":
    main()
