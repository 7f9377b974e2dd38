"""`python -m tests.soak.appliance --data DIR --proxies POSTGRES NATS STORE`: `vedette up`, its lines led through proxies.

Our own processes reach the servers at the given ports of 127.0.0.1, where the soak's proxies listen and can cut them.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from appliance.contracts.errors import VedetteError
from appliance.standalone import main, parts
from appliance.standalone.layout import DataFolder
from appliance.standalone.parts import Parts, Workers
from appliance.standalone.ports import free_ports
from appliance.standalone.report import Progress
from appliance.standalone.restart import RestartPolicy
from appliance.standalone.services.own import Surroundings
from appliance.standalone.state import State


def led_through(around: Surroundings, ports: Sequence[int]) -> Surroundings:
    postgres, nats, store = ports
    return dataclasses.replace(
        around,
        database_url=_with_port(around.database_url, postgres),
        messaging=around.messaging.model_copy(update={"url": _with_port(around.messaging.url, nats)}),
        store=around.store.model_copy(update={"endpoint": _with_port(around.store.endpoint, store)}),
    )


def _with_port(url: str, port: int) -> str:
    before = urlsplit(url).port
    assert before is not None
    return url.replace(f":{before}", f":{port}")


def _report(progress: Progress) -> None:
    os.write(1, progress.model_dump_json(exclude_none=True).encode() + b"\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--proxies", type=int, nargs=3, required=True)
    given = parser.parse_args()

    def planned(data: DataFolder, state: State, workers: Workers) -> Parts:
        whole = parts.plan(data, state, workers)
        around = led_through(whole.around, given.proxies)
        return Parts(whole.servers, parts.own_processes(around, workers), around)

    # What is killed on purpose, again and again, should not wait half a minute for its next start.
    policy = RestartPolicy(longest_seconds=3.0)
    options = main.Options(DataFolder.of(given.data), free_ports(1)[0], policy=policy, planned=planned)
    try:
        main.run(options, _report)
    except VedetteError as error:
        _report(Progress(failed=error.reason))
        sys.exit(2)
