"""What decoding one file may cost. Built by the worker from its settings, by the trainer and tests from the defaults."""

from __future__ import annotations

from dataclasses import dataclass

GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Bounds on the decoding process; crossing one is an error that names the file, never a dead worker.

    memory_bytes: private memory of the decoding process (RLIMIT_DATA); 600 MB is used by GDAL's and our own buffers.
    seconds: wall clock for one file, whatever its size; the true deadline is shorter for small files (`deadline`).
    open_seconds: until the file's header has been understood.
    pixels: width times height. bands: as the contract allows.
    output_bytes: of any one file that is written.
    expansion: decoded bytes per byte of file beyond which a large file is taken for a decompression bomb; real scenes
        reach 30, all-zero deflate reaches 1030.
    threads: for compression and block decoding; 0 means every core this process may use.
    """

    memory_bytes: int = 4 * GIBIBYTE
    seconds: float = 4 * 3600.0
    open_seconds: float = 120.0
    pixels: int = 20_000_000_000
    bands: int = 2000
    output_bytes: int = 512 * GIBIBYTE
    expansion: float = 500.0
    expansion_from_bytes: int = GIBIBYTE
    threads: int = 0

    def deadline(self, decoded_bytes: int) -> float:
        """Seconds allowed for a scene of that size: two minutes and a megabyte a second (JPEG 2000 on one slow core
        does five), at most `seconds`."""
        return min(self.seconds, 120.0 + decoded_bytes / 1e6)
