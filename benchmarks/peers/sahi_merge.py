"""sahi's non-maximum merging (NMM) over an .npz of boxes (K, 4), scores (K,) and classes (K,). Prints the seconds of each round.

`core_seconds` is the index computation alone (`batched_nmm` on an array, sahi's fastest entry); `seconds` is
`NMMPostprocess` on sahi's prediction objects, which is what a prediction pays.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from sahi.postprocess.combine import NMMPostprocess, batched_nmm
from sahi.prediction import ObjectPrediction


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", required=True)
    parser.add_argument("--overlap", type=float, required=True)
    given = parser.parse_args()
    with np.load(given.boxes) as arrays:
        boxes, scores, classes = arrays["boxes"], arrays["scores"], arrays["classes"]
    table = np.column_stack([boxes, scores, classes]).astype(np.float32)
    batched_nmm(table[:100], "IOU", given.overlap)
    start = time.perf_counter()
    kept = batched_nmm(table, "IOU", given.overlap)
    core = time.perf_counter() - start
    answer: dict[str, float] = {"core_seconds": core, "kept": len(kept)}
    predictions = [
        ObjectPrediction(bbox=list(box), score=score, category_id=int(class_), category_name="object")
        for box, score, class_ in zip(boxes.tolist(), scores.tolist(), classes.tolist(), strict=True)
    ]
    postprocess = NMMPostprocess(match_threshold=given.overlap, match_metric="IOU", class_agnostic=False)
    start = time.perf_counter()
    merged = postprocess(predictions)
    answer |= {"seconds": time.perf_counter() - start, "kept": len(merged)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
