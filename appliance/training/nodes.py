"""`python -m appliance.training.nodes`: torchrun, with its arguments, that ends with the code of what it ran.

torchrun itself ends with 1 whatever happened, and a Job could not tell what will never succeed from a lost pod. Run by the
pods of a TrainingJob with numNodes above 1.
"""

from __future__ import annotations

import sys

from torch.distributed import run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from appliance.contracts.resources.reports import HOPELESS, STOPPED

_KNOWN = {HOPELESS, STOPPED}


def main(arguments: list[str]) -> int:
    try:
        run.main(arguments)
    except SignalException as error:
        return 128 + int(error.sigval)
    except ChildFailedError as error:
        codes = {failure.exitcode for failure in error.failures.values()}
        return max(codes & _KNOWN, default=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
