"""The vendored files are what the manifest says."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from layers.maps import vendor


def test_files_match_their_checksums() -> None:
    packages = {package["name"]: package for package in vendor.manifest()["packages"]}
    assert {name: package["licence"] for name, package in packages.items()} == {
        "leaflet": "BSD-2-Clause",
        "swagger-ui-dist": "Apache-2.0",
    }
    for package in packages.values():
        folder = vendor.HERE / package["folder"]
        assert "LICENSE" in {item["path"] for item in package["files"]}
        for item in package["files"]:
            assert hashlib.sha256((folder / item["path"]).read_bytes()).hexdigest() == item["sha256"]
    assert vendor.mismatches(vendor.manifest()) == []
    script = vendor.HERE / packages["leaflet"]["folder"] / "leaflet.js"
    assert f"Leaflet {packages['leaflet']['version']}" in script.read_text(encoding="utf-8")[:200]


def test_check_names_what_differs(tmp_path: Path) -> None:
    # Copied into the same place under another root, because the script finds its package by where it stands.
    root = tmp_path / "layers"
    shutil.copytree(vendor.HERE.parents[1], root, ignore=shutil.ignore_patterns("__pycache__", "sample"))
    shutil.copytree(
        vendor.HERE.parents[2] / "gis", tmp_path / "gis", ignore=shutil.ignore_patterns("__pycache__")
    )
    folder = root / "maps" / "vendor"
    (folder / "leaflet" / "leaflet.css").write_text("changed", encoding="utf-8")
    (folder / "leaflet" / "LICENSE").unlink()
    (folder / "leaflet" / "more.js").write_text("", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(folder / "refresh.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "leaflet/LICENSE is missing.",
        "leaflet/leaflet.css differs from its checksum.",
        "leaflet/more.js is not in the manifest.",
    ]
    assert (
        subprocess.run([sys.executable, str(vendor.HERE / "refresh.py"), "--check"], check=False).returncode
        == 0
    )
