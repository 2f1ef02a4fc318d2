"""What a browser did in a while, by its own trace: the page's share, and that of the software rasteriser.

It owns reading the trace; what is done meanwhile is `map_browser.py`'s. All times are of processors, in
milliseconds: a machine that is busy with something else changes them less than those of a clock.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser

_CATEGORIES = ("devtools.timeline", "toplevel", "gpu")
_TASKS = ("RunTask", "ThreadControllerImpl::RunTask")
_SCRIPTS = ("FunctionCall", "EvaluateScript", "v8.evaluateModule", "HandlePostMessage")


@dataclass
class Shares:
    """Milliseconds of processors.

    Attributes
    ----------
    main, longest
        Of all tasks of the page's main thread, and of the longest of them.
    scripts
        Of its scripts among these.
    workers
        Of the page's workers.
    rasteriser
        Of the process that draws what WebGL asks for; a graphics card would.
    """

    main: float = 0.0
    longest: float = 0.0
    scripts: float = 0.0
    workers: float = 0.0
    rasteriser: float = 0.0

    def told(self, frames: int) -> str:
        """Return the shares in words, for so many frames."""
        each = max(frames, 1)
        return (
            f"page {self.main / each:.1f} ms a frame, {self.scripts / each:.1f} of them in scripts, "
            f"longest task {self.longest:.0f} ms, workers {self.workers:.0f} ms in all; "
            f"rasteriser {self.rasteriser / each:.0f} ms a frame"
        )


@contextmanager
def shares(browser: Browser) -> Iterator[Shares]:
    """Fill in what is spent within the context, when it ends."""
    found = Shares()
    before = _rasteriser(browser)
    browser.start_tracing(categories=list(_CATEGORIES))
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    found.rasteriser = _rasteriser(browser) - before
    _read(events, found)


def _rasteriser(browser: Browser) -> float:
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(1000 * float(each["cpuTime"]) for each in processes if each["type"] == "GPU")


def _read(events: list[dict[str, Any]], found: Shares) -> None:
    names = {
        (each["pid"], each["tid"]): each["args"]["name"] for each in events if each["name"] == "thread_name"
    }
    threads: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for each in events:
        if each.get("ph") == "X" and "tdur" in each:
            threads[each["pid"], each["tid"]].append(each)
    # The browser shows pages of its own beside ours, which do hardly anything.
    mains = {key: _outermost(threads[key], _TASKS) for key, name in names.items() if name == "CrRendererMain"}
    page = max(mains, key=lambda key: sum(mains[key]))
    found.main, found.longest = sum(mains[page]), max(mains[page], default=0.0)
    found.scripts = sum(_outermost(threads[page], _SCRIPTS))
    found.workers = sum(
        sum(_outermost(threads[key], _TASKS))
        for key, name in names.items()
        if key[0] == page[0] and name.startswith("DedicatedWorker")
    )


def _outermost(events: list[dict[str, Any]], names: tuple[str, ...]) -> list[float]:
    """Return the milliseconds of events of some names, without those within another of them."""
    spent, end = [], 0.0
    for each in sorted((each for each in events if each["name"] in names), key=lambda one: one["ts"]):
        if each["ts"] >= end:
            spent.append(each["tdur"] / 1000)
            end = each["ts"] + each["dur"]
    return spent
