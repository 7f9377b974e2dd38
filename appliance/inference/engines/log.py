"""What TensorRT says while it works: its return values only say that something failed. Used where it is called."""

from __future__ import annotations

from typing import Any

_MOST = 20


class Said:
    """The last errors, a line each."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def add(self, text: str) -> None:
        self.errors = [*self.errors, " ".join(text.split())][-_MOST:]

    def last(self) -> str:
        """The last that names an error of the library, else the last of all."""
        found = next((text for text in reversed(self.errors) if "Error Code" in text), None)
        return (found or next(reversed(self.errors), "it gives no reason"))[:400]


def logger(trt: Any, said: Said) -> Any:
    """A logger of the module `trt` that keeps errors and prints nothing. It must live as long as what it is given to."""

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                said.add(text)

    return Logger()
