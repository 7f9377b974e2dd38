"""When to start a part again that has ended, and when to give up. Pure: knows no clock and no process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """Exponential back-off, forgotten once the part has been well for `healthy_seconds`.

    A part that was never ready is given up after `attempts`; one that was is started again for ever. One that answers
    nothing for `hung_seconds`, asked every `ask_seconds`, is killed.
    """

    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    healthy_seconds: float = 30.0
    attempts: int = 4
    ask_seconds: float = 10.0
    hung_seconds: float = 30.0


@dataclass(frozen=True)
class Failures:
    """How a part has fared: `consecutive` ends without a healthy stretch between them."""

    consecutive: int = 0
    total: int = 0
    ever_ready: bool = False

    def ended(self, ready_seconds: float | None, policy: RestartPolicy) -> Failures:
        """After one more end. `ready_seconds`: for how long it had been ready, None when it never became so."""
        healthy = ready_seconds is not None and ready_seconds >= policy.healthy_seconds
        return Failures(
            consecutive=1 if healthy else self.consecutive + 1,
            total=self.total + 1,
            ever_ready=self.ever_ready or ready_seconds is not None,
        )

    def hopeless(self, policy: RestartPolicy) -> bool:
        return not self.ever_ready and self.consecutive >= policy.attempts

    def pause_seconds(self, policy: RestartPolicy) -> float:
        """How long to wait before the next start: first, doubled each time, up to the longest."""
        exponent = min(max(self.consecutive - 1, 0), 30)
        return min(policy.first_seconds * 2.0**exponent, policy.longest_seconds)
