"""All that a training run needs to go on where it stopped, in one file that is always whole. Called by the loop."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import optim

from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.training.architecture import CentreDetector

FILE = "checkpoint.pt"
_WHAT_TORN_FILES_RAISE = (
    RuntimeError,
    LookupError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    pickle.UnpicklingError,
)


@dataclass
class State:
    """What changes while training. `step` is the number of steps done, `seconds` the time they took."""

    network: CentreDetector
    averaged: CentreDetector
    optimiser: optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def save(folder: Path, state: State, run: Sha256) -> None:
    """Write beside the old one, then put it in its place: a kill at any moment leaves a whole checkpoint."""
    document = {
        "run": run,
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
    }
    partial = folder / f"{FILE}.partial"
    with partial.open("wb") as stream:
        torch.save(document, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / FILE)


def resume(folder: Path, state: State, run: Sha256) -> bool:
    """Put the checkpoint's content into `state`; False when there is none.

    Raises VedetteError(CONFLICT) when it belongs to another configuration or snapshot, VedetteError(UNREADABLE) when
    it is no checkpoint.
    """
    path = folder / FILE
    if not path.is_file():
        return False
    try:
        document: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if document["run"] != run:
            raise VedetteError(
                Code.CONFLICT,
                f"{path} belongs to a training run with another configuration or other snapshots.",
                "Remove that file, or choose another work folder.",
            )
        state.network.load_state_dict(document["network"])
        state.averaged.load_state_dict(document["averaged"])
        state.optimiser.load_state_dict(document["optimiser"])
        state.step, state.seconds = int(document["step"]), float(document["seconds"])
    except _WHAT_TORN_FILES_RAISE as error:
        raise VedetteError(Code.UNREADABLE, f"{path} is not a checkpoint.", "Remove that file.") from error
    return True
