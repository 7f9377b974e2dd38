"""The weights of a model package as the beginning of another training. Called by the loop and by job.py's checks.

The exported graph holds each convolution with its batch normalisation folded in (Jacob et al. 2018, Quantization and Training,
3.2): W' = W g / s and b' = b - m g / s, of which the normalisation's own m, s, g and b cannot be told apart again. They need not
be: with the mean m' and the deviation s' of what W' gives on the new training data, a normalisation of scale s' and shift
b' + m' computes what the package computes, exactly where running statistics are used, and as nearly as a batch tells them
where training uses the batch's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.training.architecture import NAME, CentreDetector, normalise
from appliance.training.configuration import TrainingConfiguration
from appliance.training.crops import Crops

_PREFIX = "network."
_BATCHES = 4
_FAR = 1 << 40
"""Steps whose crops no training ever draws."""
_LEAST_VARIANCE = 1e-6


def check(package: ModelPackage, labels: list[str], configuration: TrainingConfiguration) -> None:
    """Raises VedetteError(MODEL_PACKAGE | LABELS | INVALID) when this package cannot be fine-tuned to these labels."""
    manifest = package.manifest
    name = f"{manifest.name} {manifest.version}"
    if manifest.architecture != NAME:
        message = f"{name} has the architecture {manifest.architecture}, and only {NAME} can be fine-tuned."
        raise VedetteError(Code.MODEL_PACKAGE, message, "Begin anew, or name a package that Vedette trained.")
    held = [each.label for each in manifest.taxonomy]
    if held != labels:
        message = f"{name} knows the labels {_listed(held)}, the training snapshot holds {_listed(labels)}."
        raise VedetteError(Code.LABELS, message, "Begin anew, or make the snapshot from the same labels.")
    width = _folded(package.model_path)["laterals.0"][0].shape[0]
    if width != configuration.width:
        message = f"{name} has the width {width}, the configuration {configuration.width}."
        raise VedetteError(Code.INVALID, message, f"Write width: {width} into the configuration.")


def take_weights(network: CentreDetector, model: Path, crops: Crops) -> None:
    """Let `network` compute what model.onnx computes, in evaluation exactly and in training on what `crops` shows.

    Raises VedetteError(MODEL_PACKAGE) when the file does not hold the weights of this network.
    """
    folded = _folded(model)
    pairs = _pairs(network)
    with torch.no_grad():
        for name, (convolution, normalisation) in pairs.items():
            weight, bias = folded.get(name, (None, None))
            if weight is None or bias is None or weight.shape != convolution.weight.shape:
                raise _not_ours(model, name)
            convolution.weight.copy_(weight)
            _shift(convolution, normalisation).copy_(bias)
            if normalisation is not None:
                _make_identity(normalisation)
        _spread(network, [each for _, each in pairs.values() if each is not None], crops)


def _folded(model: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Weight and bias of every convolution of the graph, by the module's name."""
    graph = onnx.load(str(model)).graph
    held = {each.name: each for each in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and all(name in held for name in node.input[1:]):
            weight, bias = (torch.from_numpy(numpy_helper.to_array(held[name]).copy()) for name in node.input[1:])
            found[node.input[1].removeprefix(_PREFIX).removesuffix(".weight")] = (weight, bias)
    if "laterals.0" not in found:
        raise _not_ours(model, "laterals.0")
    return found


def _pairs(network: nn.Module) -> dict[str, tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Each convolution with the normalisation that follows it: the next module, where the convolution has no bias."""
    found: dict[str, tuple[nn.Conv2d, nn.BatchNorm2d | None]] = {}
    waiting = ""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            found[name] = (module, None)
            waiting = name if module.bias is None else ""
        elif isinstance(module, nn.BatchNorm2d) and waiting:
            found[waiting], waiting = (found[waiting][0], module), ""
    return found


def _shift(convolution: nn.Conv2d, normalisation: nn.BatchNorm2d | None) -> Tensor:
    shift = convolution.bias if normalisation is None else normalisation.bias
    assert shift is not None  # noqa: S101
    return shift


def _make_identity(normalisation: nn.BatchNorm2d) -> None:
    mean, variance = _statistics(normalisation)
    mean.zero_()
    variance.fill_(1 - normalisation.eps)
    normalisation.weight.fill_(1)


def _spread(network: CentreDetector, normalisations: list[nn.BatchNorm2d], crops: Crops) -> None:
    """Give each normalisation the statistics of what it sees, and the scale and shift that undo them."""
    seen: dict[nn.BatchNorm2d, list[tuple[Tensor, Tensor]]] = {each: [] for each in normalisations}

    def look(module: nn.BatchNorm2d) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: seen[module].append(_moments(inputs[0]))

    hooks = [each.register_forward_pre_hook(look(each)) for each in normalisations]
    network.eval()
    for step in range(_FAR, _FAR + _BATCHES):
        network(normalise(crops.batch(step).tiles))
    for hook in hooks:
        hook.remove()
    for module, moments in seen.items():
        mean = torch.stack([each for each, _ in moments]).mean(0)
        square = torch.stack([each for _, each in moments]).mean(0)
        variance = (square - mean**2).clamp(min=_LEAST_VARIANCE)
        held_mean, held_variance = _statistics(module)
        held_mean.copy_(mean)
        held_variance.copy_(variance)
        module.weight.copy_(torch.sqrt(variance + module.eps))
        module.bias.add_(mean)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of each channel of (N,C,H,W)."""
    return x.mean((0, 2, 3)), (x**2).mean((0, 2, 3))


def _statistics(module: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert module.running_mean is not None  # noqa: S101
    assert module.running_var is not None  # noqa: S101
    return module.running_mean, module.running_var


def _not_ours(model: Path, name: str) -> VedetteError:
    message = f"{model} does not hold the weights of {name} as Vedette's training exports them."
    return VedetteError(Code.MODEL_PACKAGE, message, "Begin anew, or name a package that `vedette train` wrote.")


def _listed(labels: list[str]) -> str:
    shown = ", ".join(labels[:5])
    return shown + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
