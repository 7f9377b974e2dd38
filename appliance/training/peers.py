"""The processes that train one network together, each on crops of its own (torch.distributed). Called by the loop and the cluster.

Gradients are averaged in one message per step, as Li et al. 2020 (PyTorch Distributed) describe, but in plain sight. What a
world of n processes with batches of b computes is what one process with batches of n times b would, but for batch
normalisation, which sees its own b crops only. Gloo on CPUs, NCCL on CUDA.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from appliance.contracts.errors import Code, VedetteError

_PATIENCE = timedelta(days=1)
"""While the first process validates, exports and measures, the others wait. A peer that dies is noticed at once: its
connection closes."""


@dataclass(frozen=True)
class Peers:
    """This process among `size`; alone, every method does nothing.

    Every process calls the same methods in the same order. Raises VedetteError(UNAVAILABLE, retryable) when another is lost.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mean(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over all processes; float32, all in one message."""
        if self.size == 1:
            return
        held = list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in held])
        with _together():
            distributed.all_reduce(flat)
        flat /= self.size
        for tensor, part in zip(held, torch.split(flat, [tensor.numel() for tensor in held]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def share(self, network: nn.Module) -> None:
        """All take the weights and statistics of the first: rounding may differ from machine to machine."""
        if self.size == 1:
            return
        with _together():
            for tensor in network.state_dict().values():
                plain = tensor.contiguous()
                distributed.broadcast(plain, 0)
                tensor.copy_(plain)

    def agree(self, seconds: float, stop: bool) -> tuple[float, bool]:
        """The longest time, and whether anybody wants to stop: all must leave the loop at the same step."""
        if self.size == 1:
            return seconds, stop
        told = torch.tensor([seconds, float(stop)], dtype=torch.float64, device=device())
        with _together():
            distributed.all_reduce(told, distributed.ReduceOp.MAX)
        return float(told[0]), bool(told[1] > 0)

    def check_same(self, step: int) -> None:
        """Raises VedetteError(UNAVAILABLE, retryable) when the others resume at another step."""
        if self.size == 1:
            return
        steps = torch.tensor([step, -step], dtype=torch.int64, device=device())
        with _together():
            distributed.all_reduce(steps, distributed.ReduceOp.MAX)
        if int(steps[0]) != -int(steps[1]):
            raise VedetteError(
                Code.UNAVAILABLE, "The pods of this training found different checkpoints.", "Try again.", retryable=True
            )

    def meet(self) -> None:
        """Wait until all are here."""
        if self.size > 1:
            with _together():
                distributed.barrier()


ALONE = Peers()


def device() -> torch.device:
    """The card of this process, where there is one."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")


@contextlib.contextmanager
def joined() -> Iterator[Peers]:
    """The processes that torchrun started together, by its environment variables; alone without them."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    with _together():
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=_PATIENCE)
    try:
        yield Peers(distributed.get_rank(), size)
    finally:
        with contextlib.suppress(RuntimeError):
            distributed.destroy_process_group()


@contextlib.contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise VedetteError(
            Code.UNAVAILABLE,
            f"Another pod of this training was lost ({str(error).splitlines()[0][:200]}).",
            "Training goes on from the last checkpoint once all pods are back.",
            retryable=True,
        ) from error
