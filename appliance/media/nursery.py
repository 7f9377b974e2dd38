"""A process that has imported everything and looks at no file: it forks one decoding process per request.

Started by spawning.py as `python -m appliance.media.nursery` with a socket as standard input; each message carries the
three pipes that become the standard streams of a decoding process. Importing takes a second or two, forking a
hundredth of one: that matters for a dataset of many small images.

Between the nursery and each decoding process stands a guard of a few lines: it leads the process group (so that both
can be killed together) and says how the decoding process ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys

from appliance.media import (
    decode,
    scene,  # noqa: F401  imported for what it imports
)

_PR_SET_PDEATHSIG = 1


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guards are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the worker's to handle
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            message, streams, _, _ = socket.recv_fds(requests, 1, 3)
            if not message:
                return
            if len(streams) == 3 and os.fork() == 0:
                _guard(requests, streams)
            for stream in streams:
                os.close(stream)


def _guard(requests: socket.socket, streams: list[int]) -> None:
    """Never returns."""
    try:
        requests.close()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _die_with_parent()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        _say({"group": os.getpid()})
        child = os.fork()
        if child == 0:
            _die_with_parent()
            decode.main()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _say({"exit": os.waitstatus_to_exitcode(status)})
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _say(message: dict[str, int]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
