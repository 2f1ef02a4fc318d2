"""Take the pictures of docs/images from a demonstration: `python docs/screenshots.py`.

It makes the sample district in a temporary folder, once in each language, and opens its map in chromium; it
needs the development tools and chromium, as the browser tests do.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from api.demonstration import demonstrate
from api.settings import DataSettings
from layers.sample import SEED

IMAGES = Path(__file__).parent / "images"
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--disable-background-networking"]


def main() -> None:
    """Write map.png (English) and map.zh.png (Chinese)."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed; .ci/system-packages tests installs it.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for language, name in (("en", "map.png"), ("zh", "map.zh.png")):
            shown = demonstrate(
                Path(folder) / language, DataSettings().tables(), say=print, seed=SEED, language=language
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(shown.map.as_uri())
            page.wait_for_selector("html[data-ready=true]")
            page.mouse.click(840, 330)
            page.mouse.move(380, 780)
            page.wait_for_timeout(1000)
            page.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
