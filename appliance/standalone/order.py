"""In which order parts start and stop. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

from appliance.standalone.service import Service


def waves(services: Sequence[Service]) -> list[list[Service]]:
    """Groups that may start together, each after the groups before it; stopping goes the other way.

    Raises ValueError when a service comes after one that does not exist, or after itself (graphlib.CycleError).
    """
    by_name = {service.name: service for service in services}
    for service in services:
        if missing := set(service.after) - by_name.keys():
            raise ValueError(f"{service.name} comes after {', '.join(sorted(missing))}, which is not there")
    sorter = TopologicalSorter({service.name: set(service.after) for service in services})
    sorter.prepare()
    found: list[list[Service]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append([service for service in services if service.name in ready])
        sorter.done(*ready)
    return found
