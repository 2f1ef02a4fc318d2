"""Take the pictures of docs/images from a demonstration: `python docs/screenshots.py [SCALE]`.

It serves the sample district from a temporary folder, signs in by the printed link, and opens page and maps
in chromium in both languages; it needs the development tools and chromium, as the browser tests do.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from layers.formats import read_layer
from layers.maps import PrintMap, render_print_map

IMAGES = Path(__file__).parent / "images"
LANGUAGES = {"en": "", "zh": ".zh"}
PROGRAM = Path(sys.executable).with_name("wangge")
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
ARGUMENTS += ["--disable-background-networking"]
DESK, PHONE = (1280, 800), (390, 844)
COLOURS, SETTLING = 256, 1
PRINT_WIDTH = 1400
PATIENCE_MS = 300_000
SECOND_DAY = "2025-07-01"

Deed = Callable[[Page], None]


@dataclass(frozen=True)
class Scene:
    """A picture of the page: its name, what the address says, and what is done before it is taken."""

    name: str
    fragment: str
    deed: Deed
    size: tuple[int, int] = DESK


def nothing(page: Page) -> None:
    """Leave the page as the address opens it."""


def click_centre(page: Page) -> None:
    """Open what lies in the middle of the map."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait(page, "document.querySelector('#sheet h2')?.textContent.length > 1")


def worst_gap(page: Page) -> None:
    """Open the list of gaps, the first group of a long one, and the first gap."""
    page.click("#tab-gaps")
    page.wait_for_selector("#gap-list :is(.gap-row, summary)")
    if page.locator("#gap-list summary").count():
        page.click("#gap-list summary")
    page.wait_for_selector("#gap-list .gap-row")
    page.click("#gap-list .gap-row")
    wait(page, "document.querySelector('#sheet h2')?.textContent.length > 1")


def unfold(page: Page) -> None:
    """Open the panel of a phone."""
    page.click("#panel-handle")


def preview_split(page: Page) -> None:
    """Copy the plan in force, and see what splitting the cell with most households would change."""
    page.fill(".new-plan [name=name]", "2026")
    page.click(".new-plan > button")
    wait(page, "wangge.state().plan !== null && wangge.state().cells.size > 0")
    page.click(".bar-row >> nth=0")
    wait(page, "!wangge.map.isMoving() && wangge.state().selection.length === 1")
    page.keyboard.press("e")
    wait(page, "document.querySelector('.effects') !== null")


def scenes(place: str, near: str, changed: str) -> list[Scene]:
    """Return the pictures, of three places written as in an address: all of it, a few cells, and a change."""
    households = "&by=households&method=natural_breaks&classes=5"
    points = "off=household,enterprise,component,sensor"
    return [
        Scene("page", f"#map={place}&scheme=community{households}&{points}", nothing),
        Scene("cell", f"#map={near}&scheme=community&{points},gaps", click_centre),
        Scene("gaps", f"#map={place}&scheme=community&{points}", worst_gap),
        Scene("levels", f"#map={near}&scheme=responsibility&{points},gaps", click_centre),
        Scene("compare", f"#map={changed}&scheme=community&{points},gaps&against=2025-01-01", nothing),
        Scene("plan", "plan#", preview_split),
        Scene("phone", f"#map={place}&scheme=community{households}&{points}", unfold, PHONE),
        Scene("phone-cell", f"#map={near}&scheme=community&{points},gaps", click_centre, PHONE),
    ]


def wait(page: Page, condition: str) -> None:
    """Wait until an expression holds; Playwright's own waiting needs eval, which the page forbids."""
    for _ in range(1200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise SystemExit(f"never came true: {condition}")


def settled(page: Page) -> None:
    """Wait until the page stands and its map has drawn all that it asked for."""
    wait(page, "['map', 'plan'].includes(document.documentElement.dataset.ready)")
    wait(page, "wangge.map.loaded() && wangge.map.areTilesLoaded() && !wangge.map.isMoving()")
    page.wait_for_timeout(1500)


def keep(picture: bytes, name: str, width: int | None = None) -> None:
    """Write a picture with a palette, which keeps it small, and at most so wide."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if width is not None and image.width > width:
        height = round(image.height * width / image.width)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    # This palette shifts no colour far, as the usual one does with what covers little of the picture.
    small = image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=SETTLING, dither=Image.Dither.NONE)
    small.save(IMAGES / name, optimize=True)
    sys.stdout.write(f"{name} {(IMAGES / name).stat().st_size // 1000} kB\n")


@contextmanager
def served(folder: Path, scale: str) -> Iterator[str]:
    """Run the demonstration while it serves; gives the link that signs in."""
    command = [PROGRAM, "demo", "-o", str(folder / "demo"), "--scale", scale, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            found = re.search(r"http://\S+/#link=\w+", said)
            if found is None:
                raise SystemExit(f"the demonstration does not serve: {said}")
            yield found.group()
        finally:
            process.terminate()


def draw_blocks(demo: Path) -> None:
    """Draw the blocks of the first street, with buildings and streets, on a sheet, and keep its map."""
    district = demo / "sample" / "district.gpkg"
    blocks = read_layer(demo / "blocks.gpkg", role="cells")
    areas = read_layer(district, role="areas")
    street = min(areas.loc[areas["level"] == "town", "code"])
    shown = blocks[blocks["area_code"].str.startswith(street)]
    kinds = ("green", "water", "buildings", "railway", "roads")
    base = {kind: read_layer(district, role=kind) for kind in kinds}
    sheet = Image.open(io.BytesIO(render_print_map(PrintMap(shown, areas=areas, base=base), "png")))
    wide, high = sheet.size
    middle = sheet.crop((round(wide * 0.1), round(high * 0.19), round(wide * 0.5), round(high * 0.6)))
    picture = io.BytesIO()
    middle.save(picture, "png")
    keep(picture.getvalue(), "blocks.png", PRINT_WIDTH)


def places(page: Page) -> tuple[str, str, str]:
    """Return where to look: at all of it, at a cell with a gap, and where the plans differ."""
    zoom, lat, lon = page.evaluate(
        "(({lng, lat}) => [wangge.map.getZoom(), lat, lng])(wangge.map.getCenter())"
    )
    ask = "path => fetch(path, {headers: {accept: 'application/json'}}).then(answer => answer.json())"
    gap = page.evaluate(ask, "v1/gaps?scheme=community&limit=1")["items"][0]
    cells = page.evaluate(ask, f"v1/schemes/community/cells?at={SECOND_DAY}&limit=1000")["items"]
    begun = [each["geometry"]["coordinates"][0][0] for each in cells if each["valid_from"] == SECOND_DAY]
    # The first of them lie beside one another, all of them around a bend.
    begun = begun[: len(begun) // 2]
    changed = [sum(place[axis] for place in begun) / len(begun) for axis in (1, 0)]
    west, south, east, north = gap["box"]
    near = [(south + north) / 2, (west + east) / 2]
    return (
        f"{zoom:.2f}/{lat:.5f}/{lon:.5f}",
        f"16.2/{near[0]:.5f}/{near[1]:.5f}",
        f"15/{changed[0]:.5f}/{changed[1]:.5f}",
    )


def take(browser: Browser, link: str, folder: Path) -> None:
    """Take all pictures of a service."""
    address = link.partition("/#")[0]
    context = browser.new_context(viewport={"width": DESK[0], "height": DESK[1]}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(link)
    settled(page)
    place, near, changed = places(page)
    # The sheet of a street has room for codes and leaders.
    areas = context.request.get(f"{address}/v1/areas?limit=1000").json()["items"]
    street = min(each["code"] for each in areas if each["level"] == "town")
    state = context.storage_state()
    for language, ending in LANGUAGES.items():
        for scene in scenes(place, near, changed):
            seen = browser.new_context(
                viewport={"width": scene.size[0], "height": scene.size[1]},
                storage_state=state,
                reduced_motion="reduce",
                has_touch=scene.size == PHONE,
                locale="zh-CN" if language == "zh" else "en-GB",
            )
            view = seen.new_page()
            view.goto(f"{address}/{scene.fragment}&lang={language}")
            settled(view)
            scene.deed(view)
            settled(view)
            keep(view.screenshot(), f"{scene.name}{ending}.png")
            seen.close()
        sheet = context.request.get(
            f"{address}/maps/community.png?area={street}&lang={language}", timeout=PATIENCE_MS
        )
        keep(sheet.body(), f"a3{ending}.png", PRINT_WIDTH)
        offline = folder / f"map{ending}.html"
        offline.write_bytes(
            context.request.get(f"{address}/maps/community.html?lang={language}", timeout=PATIENCE_MS).body()
        )
        view = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
        view.goto(offline.as_uri())
        view.wait_for_selector("html[data-ready=true]")
        view.mouse.click(840, 330)
        view.mouse.move(380, 780)
        view.wait_for_timeout(1000)
        keep(view.screenshot(), f"map{ending}.png")
        view.close()


def main() -> None:
    """Write the pictures of both languages."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed; .ci/system-packages tests installs it.")
    scale = sys.argv[1] if len(sys.argv) > 1 else "1"
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        served(Path(name), scale) as link,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        draw_blocks(Path(name) / "demo")
        take(browser, link, Path(name))
        browser.close()


if __name__ == "__main__":
    main()
