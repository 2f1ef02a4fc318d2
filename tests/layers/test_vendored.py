"""The vendored files are what their manifests say."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from layers.vendored import find_mismatches, read_manifest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "layers/maps/vendor": {"leaflet": "BSD-2-Clause"},
    "api/web/vendor": {
        "@preact/signals-core": "MIT",
        "htm": "Apache-2.0",
        "maplibre-gl": "BSD-3-Clause",
        "swagger-ui-dist": "Apache-2.0",
        "terra-draw": "MIT",
        "terra-draw-maplibre-gl-adapter": "MIT",
    },
}


@pytest.mark.parametrize("place", FOLDERS)
def test_files_match_their_checksums(place: str) -> None:
    folder = ROOT / place
    packages = {package["name"]: package for package in read_manifest(folder)["packages"]}
    assert {name: package["licence"] for name, package in packages.items()} == FOLDERS[place]
    for package in packages.values():
        # Some packages state their licence in their description only.
        assert {"LICENSE", "package.json"} & {item["path"] for item in package["files"]}
        for item in package["files"]:
            content = (folder / package["folder"] / item["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == item["sha256"]
    assert find_mismatches(folder) == []
    scripts = {"leaflet": "leaflet.js", "maplibre-gl": "maplibre-gl.mjs"}
    for name in packages.keys() & scripts.keys():
        head = (folder / packages[name]["folder"] / scripts[name]).read_text(encoding="utf-8")[:400]
        assert packages[name]["version"] in head


def test_check_names_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    shutil.copytree(ROOT / "layers/maps/vendor", folder)
    command = [sys.executable, "-m", "layers.vendored", str(folder), "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    (folder / "leaflet" / "leaflet.css").write_text("changed", encoding="utf-8")
    (folder / "leaflet" / "LICENSE").unlink()
    (folder / "leaflet" / "more.js").write_text("", encoding="utf-8")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "leaflet/LICENSE is missing.",
        "leaflet/leaflet.css differs from its checksum.",
        "leaflet/more.js is not in the manifest.",
    ]
