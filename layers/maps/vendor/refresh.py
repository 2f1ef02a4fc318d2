"""Fetch the vendored packages of the manifest with the npm client and verify what came.

Run `python layers/maps/vendor/refresh.py` to fetch the recorded versions anew (`--package-version
leaflet=1.9.4` for another one), or with `--check` to compare checksums only; no registry is named here,
npm's own settings decide.
"""

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from layers.maps.vendor import HERE, MANIFEST, manifest, mismatches


def fetch(package: dict[str, Any], version: str, folder: Path) -> dict[str, Any]:
    """Fetch one package into `folder` and return its new manifest record.

    Raises
    ------
    SystemExit
        If the archive lacks a file, or is not the one recorded for the same version.
    """
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed; install nodejs and npm, or keep the vendored files as they are.")
    answer = subprocess.run(  # noqa: S603  the arguments come from our own manifest or the caller
        [npm, "pack", f"{package['name']}@{version}", "--json", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / json.loads(answer.stdout)[0]["filename"]
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode("ascii")
    if version == package["version"] and package.get("integrity") not in (None, integrity):
        sys.exit(f"{package['name']} {version} is not the archive that the manifest records.")
    files = []
    with tarfile.open(archive) as opened:
        for item in package["files"]:
            member = opened.extractfile("package/" + item["source"])
            if member is None:
                sys.exit(f"{package['name']} {version} has no file {item['source']}.")
            content = member.read()
            target = folder / "files" / item["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            files.append({**item, "sha256": hashlib.sha256(content).hexdigest()})
    return {**package, "version": version, "integrity": integrity, "files": files}


def refresh(versions: dict[str, str]) -> None:
    """Fetch every package, then replace the vendored files and the manifest."""
    packages = []
    for package in manifest()["packages"]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            record = fetch(package, versions.get(package["name"], package["version"]), folder)
            shutil.rmtree(HERE / package["folder"], ignore_errors=True)
            shutil.copytree(folder / "files", HERE / package["folder"])
        packages.append(record)
    MANIFEST.write_text(json.dumps({"packages": packages}, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Run from the command line; 0 when the files are as recorded, 1 when not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="verify the checksums, fetch nothing")
    parser.add_argument("--package-version", action="append", default=[], metavar="NAME=VERSION")
    options = parser.parse_args()
    if not options.check:
        refresh(dict(pair.split("=", 1) for pair in options.package_version))
    problems = mismatches(manifest())
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
