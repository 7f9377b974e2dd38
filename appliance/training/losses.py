"""The two losses. Called by the loop; knows only tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Penalty-reduced focal loss over (N,C,H,W), divided by the number of objects.

    Zhou et al. 2019 (Objects as Points), equation 1, with alpha 2 and beta 4; cells of target 1 are the objects.
    """
    probability = torch.sigmoid(logits)
    positive = (target >= 1.0).to(logits.dtype)
    hit = functional.logsigmoid(logits) * (1 - probability) ** 2 * positive
    miss = functional.logsigmoid(-logits) * probability**2 * (1 - target) ** 4 * (1 - positive)
    return -(hit.sum() + miss.sum()) / positive.sum().clamp(min=1.0)


def overlap(sides: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of 1 - GIoU over cells; sides and target (N,4,H,W) left, top, right, bottom; weight (N,H,W).

    Rezatofighi et al. 2019 (Generalized Intersection over Union); weights as Liu et al. 2020 (TTFNet), equation 9.
    """
    shared = torch.minimum(sides, target)
    hull = torch.maximum(sides, target)
    intersection = (shared[:, 0] + shared[:, 2]) * (shared[:, 1] + shared[:, 3])
    area = (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
    wanted = (target[:, 0] + target[:, 2]) * (target[:, 1] + target[:, 3])
    union = area + wanted - intersection
    enclosing = (hull[:, 0] + hull[:, 2]) * (hull[:, 1] + hull[:, 3])
    giou = intersection / union.clamp(min=1e-6) - (enclosing - union) / enclosing.clamp(min=1e-6)
    return ((1 - giou) * weight).sum() / weight.sum().clamp(min=1e-6)
