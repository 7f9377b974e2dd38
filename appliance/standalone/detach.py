"""Start the supervisor as a process of its own and hear from it until all is ready. Called by `vedette up --detach`."""

from __future__ import annotations

import subprocess
import sys

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import checks, log_files
from appliance.standalone.main import Options
from appliance.standalone.report import Progress, Report
from appliance.standalone.status import now

_STOP_SECONDS = 60


def start(options: Options, report: Report) -> None:
    """Return once all is ready. Raises what main.run raises; nothing runs then. Interrupted, it takes all back."""
    data = options.data
    checks.use_folder(data)
    command = [sys.executable, "-P", "-m", "appliance.standalone.main", "--data", str(data.path)]
    command += ["--media-workers", str(options.workers.media), "--detector-workers", str(options.workers.detector)]
    command += [] if options.port is None else ["--port", str(options.port)]
    with log_files.open_for(data.log("supervisor"), "supervisor starts", now()) as log:
        process = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    try:
        _hear(process, options, report)
    except BaseException:
        process.terminate()
        process.wait(_STOP_SECONDS)
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()


def _hear(process: subprocess.Popen[bytes], options: Options, report: Report) -> None:
    for line in process.stdout or ():
        progress = Progress.model_validate_json(line)
        report(progress)
        if progress.ready is not None:
            process.returncode = 0  # it lives on without us: nobody is to wait for it
            return
        if progress.failed is not None:
            reason = progress.failed
            raise VedetteError(reason.code, reason.message, reason.remedy, retryable=reason.retryable)
    log = options.data.log("supervisor")
    raise VedetteError(Code.INTERNAL, f"The supervisor ended: {log_files.last_words(log)}", f"Read {log}.")
