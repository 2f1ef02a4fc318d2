"""The process of one job: it reads the task from standard input and tells of it in JSON lines.

It limits its own memory and time before it opens what others made, and ends when its parent is gone.
"""

import contextlib
import json
import os
import resource
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

_EVERY_S = 0.3
_LONGEST = 1000
# An error can name all columns of a file, and is told with the job wherever jobs are listed.


def main() -> None:
    """Do the task; the last line is its result or its error."""
    # Whatever a library prints must not get among the lines.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    line = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told.write(json.dumps(_outcome(line, told.write), default=str) + "\n")
    told.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _outcome(line: str, write: Callable[[str], Any]) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    limits = json.loads(line)
    for kind, most in ((resource.RLIMIT_AS, limits["memory"]), (resource.RLIMIT_CPU, limits["seconds"])):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    from api.jobs.work import Task, run
    from gis.errors import WanggeError
    from layers.storage.database import Database

    last = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            write(json.dumps({"done": done, "total": total}) + "\n")

    try:
        task = Task.model_validate_json(line)
        with contextlib.closing(Database(os.environ["WANGGE_DATABASE"])) as database:
            return {"result": run(database, task, progress)}
    except WanggeError as error:
        # The name the file has here means nothing to who sent it.
        file = task.parameters.get("file")
        path = "" if file is None else str(task.uploads / file)
        said = str(error).replace(path, "The file") if path else str(error)
        return {"error": said if len(said) <= _LONGEST else said[:_LONGEST] + " …"}
    except MemoryError:
        return {"error": "Not enough memory for this; give less at once."}
    except Exception as error:
        # Where it rose and never its text, which may be personal.
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        from api.problems import database_away

        return {
            "error": "The database could not be used for a while; nothing was kept. Ask again."
            if database_away(error)
            else f"An error of the program, not of yours: {type(error).__name__}.",
            "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }


if __name__ == "__main__":
    main()
