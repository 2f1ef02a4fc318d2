"""Third-party web assets in folders, kept as their authors published them, each with a manifest of checksums.

`python -m layers.vendored FOLDER... [--check] [--package-version leaflet=1.9.4]`.
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
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a folder's manifest: per package its name, version, licence, source and files with checksums."""
    contents: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return contents


def find_mismatches(folder: Path) -> list[str]:
    """Name the files of a folder that are missing, changed, or not in its manifest.

    Returns
    -------
    list of str
        One sentence a file; empty when all is as recorded.
    """
    problems: list[str] = []
    for package in read_manifest(folder)["packages"]:
        package_folder = folder / package["folder"]
        expected = {item["path"]: item["sha256"] for item in package["files"]}
        present = {
            path.relative_to(package_folder).as_posix()
            for path in package_folder.rglob("*")
            if path.is_file()
        }
        for path in sorted(expected.keys() | present):
            if path not in present:
                problems.append(f"{package['folder']}/{path} is missing.")
            elif path not in expected:
                problems.append(f"{package['folder']}/{path} is not in the manifest.")
            elif hashlib.sha256((package_folder / path).read_bytes()).hexdigest() != expected[path]:
                problems.append(f"{package['folder']}/{path} differs from its checksum.")
    return problems


def fetch_package(package: Mapping[str, Any], version: str, folder: Path) -> dict[str, Any]:
    """Fetch one package into `folder` and return its new manifest record.

    Raises
    ------
    SystemExit
        If the archive lacks a file, or is not the one recorded for the same version.
    """
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed; install nodejs and npm, or keep the vendored files as they are.")
    completed = subprocess.run(  # noqa: S603  the arguments come from our own manifest or the caller
        [npm, "pack", f"{package['name']}@{version}", "--json", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / json.loads(completed.stdout)[0]["filename"]
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode("ascii")
    if version == package["version"] and package.get("integrity") not in (None, integrity):
        sys.exit(f"{package['name']} {version} is not the archive that the manifest records.")
    files = []
    with tarfile.open(archive) as tar:
        for item in package["files"]:
            try:
                member = tar.extractfile("package/" + item["source"])
            except KeyError:
                member = None
            if member is None:
                sys.exit(f"{package['name']} {version} has no file {item['source']}.")
            content = member.read()
            target = folder / "files" / item["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            files.append({**item, "sha256": hashlib.sha256(content).hexdigest()})
    return {**package, "version": version, "integrity": integrity, "files": files}


def refresh_folder(folder: Path, versions: Mapping[str, str]) -> None:
    """Fetch every package of a folder, then replace its files and its manifest."""
    packages = []
    for package in read_manifest(folder)["packages"]:
        with tempfile.TemporaryDirectory() as temporary:
            fetched = Path(temporary)
            entry = fetch_package(package, versions.get(package["name"], package["version"]), fetched)
            shutil.rmtree(folder / package["folder"], ignore_errors=True)
            shutil.copytree(fetched / "files", folder / package["folder"])
        packages.append(entry)
    text = json.dumps({"packages": packages}, indent=2) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def main() -> int:
    """Run from the command line; 0 when the files are as recorded, 1 when not."""
    parser = argparse.ArgumentParser(description="Fetch the vendored packages anew and verify them.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="verify the checksums, fetch nothing")
    parser.add_argument("--package-version", action="append", default=[], metavar="NAME=VERSION")
    options = parser.parse_args()
    problems = []
    for folder in options.folders:
        if not options.check:
            refresh_folder(folder, dict(pair.split("=", 1) for pair in options.package_version))
        problems += find_mismatches(folder)
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
