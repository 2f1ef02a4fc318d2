"""The processes of jobs: one that has loaded what they need, and forks another for each task it reads.

The fork limits its own memory and time before it opens what others made, and ends when the service is gone.
"""

import contextlib
import gc
import json
import os
import re
import resource
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from api.jobs.tasks import Progress, Task, run
from api.problems import database_away
from gis.errors import WanggeError
from layers.db.database import Database

_LONGEST = 1000
# An error can name all columns of a file, and is told with the job wherever jobs are listed.


def main() -> None:
    """Read tasks from standard input, a line each; tell of each in JSON lines, last its exit code."""
    # Whatever a library prints must not get among the lines.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    # What is loaded stays in memory that the forks share.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            threading.Thread(target=_end_with_service, daemon=True).start()
            told.write(json.dumps(_outcome(line, told.write), default=str) + "\n")
            # Nothing of the process that was forked is this one's to clean up.
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        # A process that was killed may have been in the middle of a line.
        told.write("\n" + json.dumps({"code": code}) + "\n")


def _end_with_service() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _outcome(line: str, write: Callable[[str], Any]) -> dict[str, Any]:
    task = Task.model_validate_json(line)
    for kind, most in ((resource.RLIMIT_AS, task.memory), (resource.RLIMIT_CPU, task.seconds)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    progress = Progress(lambda done, total: write(json.dumps({"done": done, "total": total}) + "\n"))
    try:
        with contextlib.closing(Database(task.database)) as database:
            return {"result": run(database, task, progress)}
    except WanggeError as error:
        # The name the file has here means nothing to who sent it.
        file = task.parameters.get("file")
        path = "" if file is None else str(task.uploads / file)
        said = str(error).replace(path, "The file") if path else str(error)
        # An option of the command line is a field of the form here.
        said = re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda found: found[1].replace("-", "_"), said)
        return {"error": said if len(said) <= _LONGEST else said[:_LONGEST] + " …"}
    except MemoryError:
        return {"error": "Not enough memory for this; give less at once."}
    except Exception as error:
        # Where it rose and never its text, which may be personal.
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        return {
            "error": "The database could not be used for a while; nothing was kept. Ask again."
            if database_away(error)
            else f"An error of the program, not of yours: {type(error).__name__}.",
            "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }


if __name__ == "__main__":
    main()
