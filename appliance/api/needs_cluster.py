"""What a standalone appliance answers to what only a cluster can do. Raised by services/resources.py; errors.py makes it 501."""

from __future__ import annotations

from appliance.contracts.errors import Code, VedetteError


class NeedsClusterError(VedetteError):
    def __init__(self) -> None:
        super().__init__(
            Code.UNSUPPORTED,
            "This appliance runs without a cluster, and keeps no Detectors and TrainingJobs.",
            "`vedette detector apply -f` makes it what a Detector says; `vedette train` trains.",
        )
