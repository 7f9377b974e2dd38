"""What our processes write to standard error, as whoever collects logs reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import logging, sys, threading
from appliance.clients import logging as ours
ours.configure("operator", sys.argv[1], logging.ERROR)
ours.get().info("begun", number=1)
library = logging.getLogger("some.library")
library.warning("not told")
thread = threading.Thread(target=lambda: library.error("cannot read %s", "it"))
thread.start()
thread.join()
try:
    1 / 0
except ZeroDivisionError:
    library.exception("broke")
"""


def _lines(log_format: str) -> list[str]:
    command = [sys.executable, "-c", _PROGRAM, log_format]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr.splitlines()


def test_every_line_is_json_whoever_says_it() -> None:
    begun, told, broke = map(json.loads, _lines("json"))
    assert (begun["event"], begun["number"], begun["level"]) == ("begun", 1, "info")
    assert (told["event"], told["level"]) == ("cannot read it", "error")
    assert "ZeroDivisionError" in broke["exception"]
    assert {each["component"] for each in (begun, told, broke)} == {"operator"}
    assert all(each["timestamp"].endswith("Z") for each in (begun, told, broke))


def test_for_people_it_reads_as_a_line() -> None:
    begun, told, *_ = _lines("text")
    assert "begun" in begun
    assert "number=1" in begun
    assert "cannot read it" in told


_ON = """
from appliance.clients import logging
logging.configure("worker")
try:
    raise ValueError("what it worked at failed")
except ValueError:
    logging.get().exception("said of it")
for number in range(2000):
    logging.get().info("and more than any buffer holds", number=number)
print("goes on")
"""


def test_where_nothing_can_be_written_whoever_says_something_goes_on() -> None:
    """A line that raised would end what wanted to say it: on a full disk that ended the API's work in the background for ever."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", _ON], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "goes on\n")
