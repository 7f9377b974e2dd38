"""The training loop, flat and linear: read it from top to bottom. Called by `vedette train` through package.py.

Deterministic for a seed, a machine, a number of threads and of processes. Stops early, with a whole checkpoint, when
`stop` says so. With several processes each runs this loop in step with the others; the first one writes and tells.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn, optim

from appliance.contracts.base import Sha256
from appliance.formats.model_package import ModelPackage
from appliance.training import checkpoint, evaluation, initial, losses
from appliance.training.architecture import CentreDetector, normalise
from appliance.training.checkpoint import State
from appliance.training.configuration import TrainingConfiguration
from appliance.training.crops import Batch, Crops
from appliance.training.export import torch_model
from appliance.training.peers import ALONE, Peers, device
from appliance.training.scenes import Scene
from appliance.training.watch import Epoch, Moment, Watch

_WARM_UP = 0.05
_LAST_RATE = 0.02
_LARGEST_GRADIENT = 10.0


@dataclass(frozen=True)
class Trained:
    """The averaged network, and whether it was trained to the end."""

    network: CentreDetector
    finished: bool
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Surroundings:
    """Where the run keeps its checkpoint, what identifies it, who watches, with whom it trains, and the package whose
    weights it begins with, if any."""

    folder: Path
    run: Sha256
    watch: Watch = field(default_factory=Watch)
    peers: Peers = ALONE
    origin: ModelPackage | None = None


def train(
    configuration: TrainingConfiguration,
    scenes: list[Scene],
    validation: list[Scene],
    classes: int,
    around: Surroundings,
) -> Trained:
    """Train to the end of the schedule, or until stopped; resumes at the checkpoint in `around.folder`."""
    watch, peers = around.watch, around.peers
    if configuration.threads:
        torch.set_num_threads(configuration.threads)
    torch.manual_seed(configuration.seed)
    network = CentreDetector(classes, configuration.width, configuration.pretrained and around.origin is None)
    if around.origin is not None:
        initial.take_weights(network, around.origin.model_path, Crops(scenes, classes, configuration))
    network = network.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]  # 3 times as fast on CPUs
    averaged = copy.deepcopy(network)
    state = State(network, averaged, _optimiser(network, configuration))
    checkpoint.resume(around.folder, state, around.run)
    peers.check_same(state.step)
    peers.share(network)
    peers.share(averaged)
    crops = Crops(scenes, classes, configuration, peers.rank)
    began = time.monotonic() - state.seconds
    stopped = False

    while state.step < configuration.total_steps and not stopped and not _out_of_time(configuration, state):
        last = min(
            configuration.total_steps, (state.step // configuration.steps_per_epoch + 1) * configuration.steps_per_epoch
        )
        total, first = 0.0, state.step
        network.train()
        for batch in crops.batches(first, last):
            _set_rates(state.optimiser, _progress(configuration, state), configuration)
            total += _step(state, batch, configuration, peers)
            _average(averaged, network, configuration.averaging, state.step)
            state.step += 1
            state.seconds, stopped = peers.agree(time.monotonic() - began, watch.stop())
            if peers.first:
                watch.moved(_moment(configuration, state))
            if stopped or _out_of_time(configuration, state):
                break
            if peers.first and watch.due() and state.step < last:
                _save(state, around, last=False)
        if peers.first:
            ended = state.step >= configuration.total_steps or _out_of_time(configuration, state)
            _save(state, around, last=stopped or ended)
            watch.tell(_told(configuration, state, total / max(1, state.step - first), validation, watch))

    finished = state.step >= configuration.total_steps or _out_of_time(configuration, state)
    return Trained(averaged.cpu().eval(), finished, state.step // configuration.steps_per_epoch, state.seconds)


def _save(state: State, around: Surroundings, last: bool) -> None:
    checkpoint.save(around.folder, state, around.run)
    around.watch.saved(around.folder / checkpoint.FILE, state.step, last)


def _step(state: State, batch: Batch, configuration: TrainingConfiguration, peers: Peers) -> float:
    batch = batch.to(device())
    tiles = normalise(batch.tiles).contiguous(memory_format=torch.channels_last)
    heat, sides = state.network(tiles)
    loss: torch.Tensor = losses.focal(heat, batch.heat)
    loss = loss + configuration.box_weight * losses.overlap(sides, batch.sides, batch.weight)
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    peers.mean(_shared(state.network))
    nn.utils.clip_grad_norm_(state.network.parameters(), _LARGEST_GRADIENT)
    state.optimiser.step()
    return float(loss.detach())


def _shared(network: nn.Module) -> list[torch.Tensor]:
    """What all processes must have alike: the gradients, and the running statistics of batch normalisation."""
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    return gradients + [buffer for buffer in network.buffers() if buffer.dtype.is_floating_point]


def _optimiser(network: CentreDetector, configuration: TrainingConfiguration) -> optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); no decay on biases and norms; the backbone learns more slowly."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith("backbone."), parameter.ndim > 1), []).append(parameter)
    settings = [
        {
            "params": parameters,
            "factor": configuration.backbone_factor if backbone else 1.0,
            "weight_decay": configuration.weight_decay if decayed else 0.0,
        }
        for (backbone, decayed), parameters in sorted(groups.items())
    ]
    return optim.AdamW(settings, lr=configuration.learning_rate)


def _progress(configuration: TrainingConfiguration, state: State) -> float:
    """0 at the start, 1 at the end: by steps, or by time where that runs out sooner."""
    done = state.step / configuration.total_steps
    if configuration.maximum_seconds is not None:
        done = max(done, state.seconds / configuration.maximum_seconds)
    return min(done, 1.0)


def _out_of_time(configuration: TrainingConfiguration, state: State) -> bool:
    return configuration.maximum_seconds is not None and state.seconds >= configuration.maximum_seconds


def _set_rates(optimiser: optim.Optimizer, progress: float, configuration: TrainingConfiguration) -> None:
    """A short linear rise, then a cosine (Loshchilov and Hutter 2017, SGDR) down to 2 %."""
    if progress < _WARM_UP:
        factor = 0.1 + 0.9 * progress / _WARM_UP
    else:
        along = (progress - _WARM_UP) / (1 - _WARM_UP)
        factor = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * along)) / 2
    for group in optimiser.param_groups:
        group["lr"] = configuration.learning_rate * group["factor"] * factor


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average of weights and statistics; short-sighted at first, so the start is forgotten."""
    keep = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def _moment(configuration: TrainingConfiguration, state: State) -> Moment:
    done = _progress(configuration, state)
    left = state.seconds * (1 - done) / done if done else 0.0
    return Moment(state.step, state.step // configuration.steps_per_epoch, done, left)


def _told(
    configuration: TrainingConfiguration, state: State, loss: float, validation: list[Scene], watch: Watch
) -> Epoch:
    moment = _moment(configuration, state)
    told = Epoch(moment.epoch, configuration.epochs, loss, state.seconds, moment.seconds_left)
    if not validation or not moment.epoch or (moment.epoch % configuration.validate_every and moment.done < 1):
        return told
    model = evaluation.heeding(torch_model(state.averaged, configuration.maximum_per_tile), watch.stop)
    try:
        found = evaluation.candidates(model, validation, configuration.tile_size, configuration.halo)
    except evaluation.InterruptedEvaluationError:
        return told
    return replace(
        told,
        f1=evaluation.best_f1(found, configuration.match_overlap),
        ap50=evaluation.average_precision(found, 0.5),
        figures=evaluation.report(found, evaluation.search(found, configuration.match_overlap)),
    )
