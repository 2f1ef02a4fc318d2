"""The processes of jobs: one that has loaded what they need, and forks another for each task it reads.

The fork limits its own memory and time before it opens what others made, and ends when the service is gone.
"""

import contextlib
import gc
import json
import os
import resource
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from api.jobs.form_fields import name_fields
from api.jobs.job_context import ProgressReporter, Task
from api.jobs.tasks import run_job
from api.problems import is_database_unavailable
from gis.errors import WanggeError
from layers.db.database import Database

_MAX_ERROR_LENGTH = 1000
# An error can name all columns of a file, and is told with the job wherever jobs are listed.


def main() -> None:
    """Read tasks from standard input, a line each; report each in JSON lines, last its exit code.

    An empty line says that the code was read.
    """
    # Whatever a library prints must not get among the lines.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    # What jobs write holds personal data: exports are for the service alone.
    os.umask(0o077)
    # What is loaded stays in memory that the forks share.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            threading.Thread(target=_exit_with_service, daemon=True).start()
            output.write(json.dumps({"pid": os.getpid()}) + "\n")
            output.write(json.dumps(_run_task(line, output.write), default=str) + "\n")
            # Nothing of the process that was forked is this one's to clean up.
            os._exit(0)
        # Its number stays its own until the launcher, which may kill it by that number,
        # knows that it has ended.
        ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        # A process that was killed may have been in the middle of a line.
        output.write("\n" + json.dumps({"code": code}) + "\n")
        sys.stdin.readline()
        os.waitpid(process, 0)


def _exit_with_service() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _run_task(line: str, write: Callable[[str], Any]) -> dict[str, Any]:
    task = Task.model_validate_json(line)
    for kind, limit in ((resource.RLIMIT_AS, task.memory), (resource.RLIMIT_CPU, task.seconds)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    progress = ProgressReporter(lambda done, total: write(json.dumps({"done": done, "total": total}) + "\n"))
    try:
        with contextlib.closing(Database(task.database, wait_s=task.wait_s)) as database:
            return {"result": run_job(database, task, progress)}
    except WanggeError as error:
        # The name the file has here means nothing to who sent it.
        file = task.parameters.get("file")
        path = "" if file is None else str(task.uploads / file)
        message = str(error).replace(path, "The file") if path else str(error)
        # An option of the command line is a field of the form here.
        message = name_fields(task.kind, message)
        return {"error": message if len(message) <= _MAX_ERROR_LENGTH else message[:_MAX_ERROR_LENGTH] + " …"}
    except MemoryError:
        return {"error": "Not enough memory for this; give less at once."}
    except Exception as error:
        # Where it rose and never its text, which may be personal.
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        return {
            "error": "The database could not be used for a while; nothing was kept. Ask again."
            if is_database_unavailable(error)
            else f"An error of the program, not of yours: {type(error).__name__}.",
            "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }


if __name__ == "__main__":
    main()
