"""The map while it moves: its last picture is moved along where drawing is slow, else each frame is drawn."""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

Open = Callable[..., Any]

# What tells that a picture is finished does so `late` milliseconds after it was begun. If that is none, who
# wants to look in a while looks at once, however busy the machine is.
CARD = """() => {
  const kind = WebGL2RenderingContext.prototype;
  const begun = new WeakMap();
  const fence = kind.fenceSync;
  const wait = window.setTimeout;
  window.finished = 0;
  let anew = false;
  window.setTimeout = (deed, ...given) => {
    const now = anew && window.late === 0;
    anew = false;
    return now ? deed() : wait(deed, ...given);
  };
  kind.fenceSync = function (...given) {
    const sync = fence.apply(this, given);
    begun.set(sync, performance.now());
    anew = true;
    this.canvas.dataset.pictures = Number(this.canvas.dataset.pictures ?? 0) + 1;
    return sync;
  };
  kind.getSyncParameter = function (sync) {
    if (performance.now() - begun.get(sync) < window.late) return this.UNSIGNALED;
    window.finished += 1;
    return this.SIGNALED;
  };
}"""

# Keeps how the canvas is placed in each frame, and where a place of the ground then is.
WATCH = """() => {
  window.seen = [];
  const at = wangge.map.getCenter();
  const look = () => {
    const placed = new DOMMatrix(wangge.map.getCanvas().style.transform || "none");
    const { x, y } = wangge.map.project(at);
    window.seen.push({ x: placed.e, y: placed.f, scale: placed.a, at: [x, y] });
    requestAnimationFrame(look);
  };
  look();
}"""


def opened_on(open_page: Open, milliseconds: int) -> Any:
    """The page on a machine that takes so long for a picture."""
    opened = open_page()
    late(opened.page, milliseconds)
    opened.page.evaluate(CARD)
    # The pictures that are drawn now tell how slow the machine is.
    for _ in range(3):
        before = opened.page.evaluate("window.finished")
        draw(opened.page)
        opened.wait(f"window.finished > {before}")
    opened.page.evaluate(WATCH)
    return opened


def waiting_on(open_page: Open) -> Any:
    """The page of a slow machine while it has a picture under way that does not get finished."""
    opened = opened_on(open_page, 100)
    late(opened.page, math.inf)
    draw(opened.page)
    return opened


def late(page: Page, milliseconds: float) -> None:
    """Let pictures take so long from now on; for ever, if infinite."""
    page.evaluate(
        "late => { window.late = late ?? Infinity; }", None if milliseconds == math.inf else milliseconds
    )


def draw(page: Page) -> None:
    """Have the map drawn where it stands."""
    page.evaluate("() => { wangge.map.redraw(); }")


def drag(page: Page, *places: tuple[float, float]) -> None:
    """Press at the first place and move over the others."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
        page.wait_for_timeout(60)


def picture(page: Page) -> np.ndarray[Any, Any]:
    """The middle of the map as it is seen, away from what stands on its edges."""
    seen = page.screenshot(clip={"x": 560, "y": 250, "width": 300, "height": 250})
    return np.asarray(Image.open(io.BytesIO(seen)).convert("RGB"), dtype=int)


def test_a_slow_picture_follows_the_pointer_and_is_drawn_anew_when_it_rests(open_page: Open) -> None:
    opened = waiting_on(open_page)
    page = opened.page
    before = page.evaluate("window.seen.at(-1).at")
    drag(page, (700, 400), (720, 410), (740, 424))
    opened.wait("wangge.map.getCanvas().style.transform === 'translate(40px, 24px)'")
    moved = picture(page)
    # The ground goes with the pointer, wherever the picture of it is.
    assert page.evaluate("window.seen.at(-1).at") == pytest.approx([before[0] + 40, before[1] + 24], abs=0.01)
    # The pointer rests, and the same is drawn in its place.
    late(page, 100)
    opened.wait("wangge.map.getCanvas().style.transform === ''")
    page.mouse.up()
    opened.settle()
    assert np.mean(np.abs(moved - picture(page)).max(axis=2) > 24) < 0.02


def test_a_click_beside_a_moved_picture_hits_the_ground_that_is_seen(open_page: Open) -> None:
    opened = waiting_on(open_page)
    page = opened.page
    page.evaluate("() => wangge.map.on('mousemove', ({ lngLat }) => { window.under = lngLat.toArray(); })")
    drag(page, (700, 400), (660, 380))
    opened.wait("wangge.map.getCanvas().style.transform === 'translate(-40px, -20px)'")
    lon, lat = page.evaluate("window.under")
    place = page.evaluate("at => wangge.map.project(at)", [lon, lat])
    box = page.evaluate("wangge.map.getContainer().getBoundingClientRect()")
    assert [place["x"] + box["x"], place["y"] + box["y"]] == pytest.approx([660, 380], abs=1)
    late(page, 100)
    page.mouse.up()


def test_a_slow_picture_grows_with_the_wheel(open_page: Open) -> None:
    opened = waiting_on(open_page)
    page = opened.page
    zoom = page.evaluate("wangge.map.getZoom()")
    page.mouse.move(700, 400)
    for _ in range(4):
        page.mouse.wheel(0, -120)
        page.wait_for_timeout(30)
    opened.wait("window.seen.some((each) => each.scale > 1.05)")
    late(page, 100)
    opened.wait("!wangge.map.isMoving() && wangge.map.getCanvas().style.transform === ''")
    assert page.evaluate("wangge.map.getZoom()") > zoom + 0.1


def test_a_quick_picture_is_drawn_for_each_frame(open_page: Open) -> None:
    opened = opened_on(open_page, 0)
    page = opened.page
    drag(page, (700, 400), (720, 410), (760, 440), (800, 470))
    page.mouse.up()
    opened.settle()
    seen = page.evaluate("window.seen")
    assert np.ptp([each["at"][0] for each in seen]) >= 100
    assert {(each["x"], each["y"], each["scale"]) for each in seen} == {(0, 0, 1)}


def test_slow_pictures_of_two_days_are_moved_together(open_page: Open) -> None:
    opened = opened_on(open_page, 100)
    page = opened.page
    page.click("#tool-compare")
    page.wait_for_selector("#second canvas")
    opened.settle()
    late(page, math.inf)
    pictures = (
        "['#map', '#second'].map((each) => Number(document.querySelector(`${each} canvas`).dataset.pictures))"
    )
    before = page.evaluate(pictures)
    page.evaluate("() => { wangge.map.jumpTo({ zoom: wangge.map.getZoom() + 0.01 }); }")
    opened.wait(f"{pictures}.every((count, at) => count > {before}[at])")
    drag(page, (880, 500), (900, 510), (920, 524))
    for each in ("#map", "#second"):
        opened.wait(f"document.querySelector('{each} canvas').style.transform === 'translate(40px, 24px)'")
    late(page, 100)
    page.mouse.up()
    for each in ("#map", "#second"):
        opened.wait(f"document.querySelector('{each} canvas').style.transform === ''")
