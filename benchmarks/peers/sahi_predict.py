"""sahi on one scene, as its users run it: `get_sliced_prediction`. Prints seconds, slices, detections and peak memory."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from sahi.predict import get_sliced_prediction
from sahi_model import BatchedModel, instant_model, onnx_model, real_then_instant_model


def peak_megabytes() -> float:
    """VmHWM of this process: the most memory it ever held, in 10^6 bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def model_for(given: argparse.Namespace) -> Any:
    instant = instant_model(given.answer) if given.answer else None
    if instant and not given.real_batches:
        return instant
    real = onnx_model(given.model, given.threads, given.tile, given.batch)
    return real_then_instant_model(real, instant, given.real_batches) if instant else real


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--answer", default="")
    parser.add_argument("--real-batches", type=int, default=0)
    parser.add_argument("--tile", type=int, required=True)
    parser.add_argument("--overlap", type=float, default=0.2)
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    model = BatchedModel(model=model_for(given), confidence_threshold=given.threshold, device="cpu")
    slices = 0

    def count(done: int, _: int) -> None:
        nonlocal slices
        slices = done

    start = time.perf_counter()
    result = get_sliced_prediction(
        given.scene,
        model,
        slice_height=given.tile,
        slice_width=given.tile,
        overlap_height_ratio=given.overlap,
        overlap_width_ratio=given.overlap,
        perform_standard_pred=False,
        batch_size=given.batch,
        force_postprocess_type=True,
        progress_callback=count,
        verbose=0,
    )
    seconds = time.perf_counter() - start
    answer = {"seconds": seconds, "tiles": slices, "detections": len(result.object_prediction_list)}
    print(json.dumps({**answer, "peak_megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
