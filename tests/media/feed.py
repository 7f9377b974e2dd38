"""Feed every file under the given folders to the media worker's decoder: `python -m tests.media.feed FOLDER...`

For test data of other projects, which is not carried here. Prints what became of each file, and ends with 1 when one
got anything but a scene or a sentence with a remedy.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from appliance.media.limits import Limits
from appliance.media.normalise import normalise
from appliance.media.spawning import Nursery

_LIMITS = Limits(memory_bytes=1 << 30, expansion_from_bytes=1 << 24)


def outcome(path: Path, nursery: Nursery) -> tuple[str, str]:
    """A word and a sentence; the word is FAULT for what should never be."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            scene = normalise(path, path.name, Path(folder), _LIMITS, nursery=nursery).scene
        except VedetteError as error:
            reason = error.reason
            kept = [left.name for left in Path(folder).iterdir()]
            told = path.name in reason.message and reason.remedy and reason.code is not Code.INTERNAL and not kept
            return (str(reason.code) if told else "FAULT"), str(reason)
        except Exception as error:
            return "FAULT", f"{type(error).__name__}: {error}"
    return "scene", f"{scene.width} x {scene.height}, {len(scene.bands)} bands. {' '.join(scene.notes)}"


def files(folders: list[str]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in Path(folder).rglob("*") if path.is_file())


def main() -> int:
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    with Nursery() as nursery:
        for path in files(sys.argv[1:]):
            began = time.monotonic()
            word, sentence = outcome(path, nursery)
            counts[word] += 1
            print(f"{word:12} {time.monotonic() - began:5.1f} s  {path.name}: {sentence}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.most_common()))
    return 1 if counts["FAULT"] else 0


if __name__ == "__main__":
    sys.exit(main())
