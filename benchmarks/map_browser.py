"""The page in a real browser: when it paints, and how many frames a second it draws while it is dragged.

It owns the browser and what is counted in it; the service is `map_service.py`'s.
"""

import itertools
import statistics
from typing import TYPE_CHECKING, NamedTuple

from map_trace import Shares, shares
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from map_service import Service, Table

_ARGUMENTS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
)
_PATIENCE_MS = 120_000
_SETTLED_MS = 3_000
_STEPS = 60
# Below this zoom a cell is too small to be pointed at.
_SMALL = 12
_REST_MS = 1_500

# Counts frames and tasks that keep the page from answering.
_COUNTER = """
window.counted = {frames: [], tasks: [], pictures: 0, empty: 0};
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.counted.tasks.push(each.duration);
}).observe({type: "longtask", buffered: true});
window.countFrames = () => {
  const counted = window.counted;
  counted.frames = [];
  counted.on = true;
  counted.pictures = 0;
  counted.empty = 0;
  const canvas = window.wangge.map.getCanvas();
  const next = (now) => {
    counted.frames.push(now);
    const placed = new DOMMatrix(canvas.style.transform || "none");
    if (placed.a === 1) counted.empty = Math.max(counted.empty, Math.abs(placed.e), Math.abs(placed.f));
    if (counted.on) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
};
// The page asks of each picture of the map when it is finished.
const fence = WebGL2RenderingContext.prototype.fenceSync;
WebGL2RenderingContext.prototype.fenceSync = function (...given) {
  window.counted.pictures += 1;
  return fence.apply(this, given);
};
// The first frame of the map that shows a cell or a group of them, in milliseconds from the beginning.
const seek = () => {
  const map = window.wangge?.map;
  if (map) {
    const look = () => {
      const layers = ["cells-fill", "groups-fill"].filter((id) => map.getLayer(id));
      if (layers.length && map.queryRenderedFeatures({layers}).length) {
        window.counted.cells = performance.now();
        map.off("render", look);
      }
    };
    map.on("render", look);
    look();
    return;
  }
  setTimeout(seek, 10);
};
seek();
const ready = () => {
  if (document.documentElement?.dataset.ready === "map") window.counted.idle = performance.now();
  else setTimeout(ready, 10);
};
ready();
"""


def browse(service: "Service", table: "Table") -> None:
    """Open the page twice, then drag and zoom it at several zooms."""
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path="/usr/bin/chromium", args=list(_ARGUMENTS))
        try:
            _open(browser, service, table)
        finally:
            browser.close()


def _open(browser: Browser, service: "Service", table: "Table") -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.add_init_script(_COUNTER)
    # The browser's own start is not the page's.
    page.wait_for_timeout(_SETTLED_MS)
    page.goto(service.link())
    _tell_start(page, table, "page, first time")
    # The session is a cookie now, and the browser keeps files and tiles.
    page.reload()
    _tell_start(page, table, "page, again")
    lon, lat = service.middle()
    for zoom in (None, 11, 12, 13, 14, 15, 16):
        if zoom is not None:
            page.evaluate(
                "([zoom, lon, lat]) => { wangge.map.jumpTo({zoom, center: [lon, lat]}); }", [zoom, lon, lat]
            )
        _idle(page)
        _drag(browser, page, table, "all" if zoom is None else str(zoom))
        if zoom is not None and zoom > _SMALL:
            _point(page, table, str(zoom))
    page.evaluate("([lon, lat]) => { wangge.map.jumpTo({zoom: 10, center: [lon, lat]}); }", [lon, lat])
    _idle(page)
    with shares(browser) as spent:
        page.evaluate("countFrames()")
        # In braces, as what is returned is told here: to tell the whole map would keep the page busy.
        page.evaluate("() => { wangge.map.zoomTo(16, {duration: 6000, essential: true}); }")
        page.wait_for_timeout(6200)
        frames = _frames(page)
    _tell_frames(frames, spent, table, "zooming from 10 to 16")
    _idle(page)
    heap = page.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 2 ** 20 : 0")
    table.add("page, memory of scripts", f"{heap:.0f} MiB")
    if failures:
        table.add("page, errors", "; ".join(failures)[:300])


def _tell_start(page: Page, table: "Table", what: str) -> None:
    # The page's policy forbids what would wait within it.
    for _ in range(_PATIENCE_MS // 100):
        if page.evaluate("Boolean(window.counted?.idle && counted.cells)"):
            break
        page.wait_for_timeout(100)
    else:
        raise SystemExit("The page does not come up; a picture of it would tell more.")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
    cells, idle = page.evaluate("[counted.cells, counted.idle]")
    tasks = page.evaluate("counted.tasks")
    sizes = page.evaluate("performance.getEntriesByType('resource').map((each) => each.transferSize)")
    table.add(
        what,
        f"first paint {paint / 1000:.1f} s, first cells {cells / 1000:.1f} s, all drawn {idle / 1000:.1f} s; "
        f"{len(sizes)} requests beside those of the map's threads, {sum(sizes) / 1e6:.1f} MB; "
        f"longest task {max(tasks, default=0):.0f} ms",
    )


def _drag(browser: Browser, page: Page, table: "Table", name: str) -> None:
    """Drag the map to and fro with the mouse, beyond what it shows."""
    shown = page.evaluate(
        "new Set(wangge.map.queryRenderedFeatures({layers: ['cells-fill']}).map((each) => each.id)).size"
    )
    with shares(browser) as spent:
        page.evaluate("countFrames()")
        for begin, finish in (((900, 600), (400, 250)), ((400, 250), (900, 600))):
            page.mouse.move(*begin)
            page.mouse.down()
            for step in range(1, _STEPS + 1):
                share = step / _STEPS
                page.mouse.move(*(a + (b - a) * share for a, b in zip(begin, finish, strict=True)))
                page.wait_for_timeout(16)
            page.mouse.up()
        frames = _frames(page)
    _tell_frames(frames, spent, table, f"dragging at zoom {name}, {shown:,} cells in sight")
    _idle(page)


def _point(page: Page, table: "Table", name: str) -> None:
    """Let the pointer rest on one cell after another, until each is outlined."""
    page.evaluate("() => { wangge.map.on('idle', () => { counted.outlined = performance.now(); }); }")
    told = []
    for step in range(8):
        page.evaluate(
            "() => { Object.assign(counted, {outlined: 0, pictures: 0});"
            " addEventListener('mousemove', (event) => { counted.moved = event.timeStamp; }, {once: true}); }"
        )
        page.mouse.move(450 + 97 * step % 500, 200 + 53 * step % 400)
        page.wait_for_timeout(_REST_MS)
        took, pictures = page.evaluate("[counted.outlined - counted.moved, counted.pictures]")
        if took > 0:
            told.append((took, pictures))
    if told:
        times, pictures = zip(*told, strict=True)
        table.add(
            f"pointing at a cell at zoom {name}",
            f"outlined {statistics.median(times):.0f} ms later, {max(times):.0f} at most of {len(told)}; "
            f"{statistics.mean(pictures):.1f} pictures each",
        )


class Frames(NamedTuple):
    """What was shown in a while.

    Attributes
    ----------
    gaps
        Milliseconds between frames, ascending.
    pictures
        How many of the frames the map was drawn anew for; its last picture was carried along in the others.
    empty
        Pixels at an edge that were not yet drawn, at most.
    """

    gaps: list[float]
    pictures: int
    empty: float

    def told(self) -> str:
        """Return it in words."""
        if not self.gaps:
            return "no frames"
        gaps, seconds = self.gaps, sum(self.gaps) / 1000
        return (
            f"{len(gaps) / seconds:.0f} frames/s, {statistics.median(gaps):.0f} ms median, "
            f"{gaps[int(0.95 * len(gaps))]:.0f} ms 95th percentile, {gaps[-1]:.0f} ms longest, "
            f"{self.pictures / seconds:.1f} pictures/s drawn anew, "
            f"at most {self.empty:.0f} pixels at an edge not yet drawn"
        )


def _frames(page: Page) -> Frames:
    """Stop counting."""
    times, pictures, empty = page.evaluate(
        "() => { counted.on = false; return [counted.frames, counted.pictures, counted.empty]; }"
    )
    gaps = sorted(later - sooner for sooner, later in itertools.pairwise(times))
    return Frames(gaps, pictures, empty)


def _tell_frames(frames: Frames, spent: Shares, table: "Table", what: str) -> None:
    table.add(what, f"{frames.told()}; {spent.told(len(frames.gaps))}")


def _idle(page: Page) -> None:
    """Wait until the map has all it shows, for a while."""
    for _ in range(100):
        page.wait_for_timeout(100)
        if page.evaluate("wangge.map.loaded() && wangge.map.areTilesLoaded() && !wangge.map.isMoving()"):
            return
