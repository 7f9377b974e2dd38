"""One training job from snapshots to a model package: check, train, export, choose the running point, measure, write.

Called by `vedette train`. Everything it is told comes in as values; it knows neither terminal nor API.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from pathlib import Path

from appliance.contracts.base import Sha256, now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import (
    MODEL_FILE,
    DecodeHead,
    Lineage,
    Manifest,
    ModelInput,
    Normalisation,
    RunningPoint,
    Task,
    TaxonomyClass,
)
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot, canonical, shared_item
from appliance.training import architecture, card, evaluation, export, initial, loop, parity, scenes
from appliance.training.configuration import TrainingConfiguration
from appliance.training.origin import code_version
from appliance.training.peers import ALONE, Peers
from appliance.training.watch import Watch

__all__ = ["Data", "Watch", "run", "train", "write"]

_DIGITS = 4


@dataclass(frozen=True)
class Data:
    """The snapshots of a job, and the package whose weights it begins with. `elsewhere` are only measured, each under its
    name: other sites, other seasons."""

    train: Snapshot
    validation: Snapshot
    test: Snapshot | None = None
    elsewhere: dict[str, Snapshot] = field(default_factory=dict)
    origin: ModelPackage | None = None


def run(configuration: TrainingConfiguration, data: Data, output: Path, work: Path, watch: Watch) -> ModelPackage:
    """Train and write the package into `output`; checkpoints lie in `work`, and a killed job goes on from there.

    Raises VedetteError as `train` does.
    """
    return write(configuration, data, train(configuration, data, work, watch), output)


def train(
    configuration: TrainingConfiguration, data: Data, work: Path, watch: Watch, peers: Peers = ALONE
) -> loop.Trained:
    """The trained network, by this process and its peers.

    Raises VedetteError: CONFLICT when two snapshots share pixels or `work` belongs to another job; CANCELLED when it
    was stopped; LABELS, BANDS, GSD, UNSUPPORTED, NOT_FOUND for what training cannot use, MODEL_PACKAGE for a package it
    cannot begin with.
    """
    _check_apart(data)
    labels = data.train.manifest.labels
    if data.origin is not None:
        initial.check(data.origin, labels, configuration)
    parts = {name: scenes.load(snapshot, labels, configuration.gsd_metres) for name, snapshot in _named(data)}
    work.mkdir(parents=True, exist_ok=True)
    around = loop.Surroundings(work, _identity(configuration, data), watch, peers, data.origin)
    trained = loop.train(configuration, parts["train"], parts["validation"], len(labels), around)
    if not trained.finished:
        raise VedetteError(
            Code.CANCELLED,
            f"Training was stopped in epoch {trained.epochs + 1} of {configuration.epochs}.",
            "Run the same command again to go on.",
        )
    return trained


def write(configuration: TrainingConfiguration, data: Data, trained: loop.Trained, output: Path) -> ModelPackage:
    """Export, choose the running point, measure, and write the package into `output`."""
    labels = data.train.manifest.labels
    parts = {
        name: scenes.load(snapshot, labels, configuration.gsd_metres)
        for name, snapshot in _named(data)
        if name != "train"
    }
    output.mkdir(parents=True, exist_ok=True)
    model_file = output / MODEL_FILE
    export.export(trained.network, model_file, configuration.tile_size, configuration.maximum_per_tile)
    model = export.onnx_model(model_file, configuration.threads)
    difference = parity.measure(
        export.torch_model(trained.network, configuration.maximum_per_tile), model, parts["validation"], configuration
    )
    found = {
        name: evaluation.candidates(model, part, configuration.tile_size, configuration.halo)
        for name, part in parts.items()
    }
    choice = evaluation.search(found["validation"], configuration.match_overlap)
    figures = {name: evaluation.report(each, choice) for name, each in found.items()}
    manifest = _manifest(configuration, data, choice, figures)
    metrics = {
        "snapshots": figures,
        "running_point": {"threshold": choice.threshold, "overlap": choice.overlap, "validation_f1": choice.f1},
        "export": difference,
        "training": {
            "epochs": trained.epochs,
            "steps": configuration.total_steps,
            "seconds": round(trained.seconds),
            "machine": platform.machine(),
        },
        "measured_with": "the exported ONNX file, tiles of the manifest's size and halo, greedy matching by score",
    }
    return model_package.write(output, manifest, metrics, card.write(configuration, manifest, figures, difference))


def _manifest(
    configuration: TrainingConfiguration,
    data: Data,
    choice: evaluation.Choice,
    figures: dict[str, dict[str, float]],
) -> Manifest:
    headline = {
        f"{name}/{key}": value for name in ("validation", "test") for key, value in figures.get(name, {}).items()
    }
    return Manifest(
        name=configuration.name,
        version=configuration.version,
        title=configuration.title,
        task=Task.DETECT,
        architecture=architecture.NAME,
        taxonomy=[TaxonomyClass(path=tuple(label.split("/"))) for label in data.train.manifest.labels],
        input=ModelInput(
            name=export.INPUT,
            bands=list(scenes.BANDS),
            tile_size=configuration.tile_size,
            halo=configuration.halo,
            gsd_metres=configuration.gsd_metres,
            normalisation=Normalisation(where="graph", scale=1 / 255, mean=[0.5] * 3, standard_deviation=[0.5] * 3),
        ),
        decode=DecodeHead(
            kind="boxes",
            outputs={name: name for name in export.OUTPUTS},
            stride=architecture.STRIDE,
            maximum_per_tile=configuration.maximum_per_tile,
        ),
        running_point=RunningPoint(
            threshold=choice.threshold,
            overlap=choice.overlap,
            chosen_on=data.validation.digest,
            metric=f"f1@{configuration.match_overlap}",
        ),
        metrics=headline,
        lineage=Lineage(
            train=data.train.digest,
            validation=data.validation.digest,
            test=data.test.digest if data.test else None,
            code=code_version(),
            configuration=configuration.digest,
            initialised_from=_beginning(configuration, data.origin),
            seed=configuration.seed,
            created_at=now(),
        ),
        licence=configuration.licence,
    )


def _beginning(configuration: TrainingConfiguration, origin: ModelPackage | None) -> str:
    if origin is not None:
        return f"{origin.manifest.name} {origin.manifest.version}, {origin.digest}"
    return architecture.INITIALISED_FROM if configuration.pretrained else "random weights"


def _named(data: Data) -> list[tuple[str, Snapshot]]:
    named = [("train", data.train), ("validation", data.validation)]
    if data.test:
        named.append(("test", data.test))
    return named + list(data.elsewhere.items())


def _identity(configuration: TrainingConfiguration, data: Data) -> Sha256:
    """What a checkpoint belongs to."""
    told = {"configuration": configuration.recipe, "train": data.train.digest, "validation": data.validation.digest}
    if data.origin is not None:
        told["origin"] = data.origin.digest
    return digest.of_bytes(canonical(told))


def _check_apart(data: Data) -> None:
    """No pixel may be in two of the snapshots: what was trained on proves nothing, and is no place to choose on."""
    named = _named(data)
    for index, (name, snapshot) in enumerate(named):
        for other_name, other in named[index + 1 :]:
            item = shared_item(snapshot, other)
            if item is not None:
                raise VedetteError(
                    Code.CONFLICT,
                    f"The {name} and {other_name} snapshots both hold the same part of {item}.",
                    "Make the snapshots from items or windows that do not touch.",
                )
