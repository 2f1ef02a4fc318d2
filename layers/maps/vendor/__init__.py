"""Third-party web assets, kept as their authors published them, with a manifest of checksums.

It owns reading and verifying them; `refresh.py` fetches them anew.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.json"


def manifest() -> dict[str, Any]:
    """Return the manifest: per package its name, version, licence, source and files with checksums."""
    record: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return record


def mismatches(record: dict[str, Any]) -> list[str]:
    """Name the vendored files that are missing, changed, or not in the manifest.

    Parameters
    ----------
    record
        What `manifest` returns.

    Returns
    -------
    list of str
        One sentence a file; empty when all is as recorded.
    """
    problems: list[str] = []
    for package in record["packages"]:
        folder = HERE / package["folder"]
        expected = {item["path"]: item["sha256"] for item in package["files"]}
        present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for path in sorted(expected.keys() | present):
            if path not in present:
                problems.append(f"{package['folder']}/{path} is missing.")
            elif path not in expected:
                problems.append(f"{package['folder']}/{path} is not in the manifest.")
            elif hashlib.sha256((folder / path).read_bytes()).hexdigest() != expected[path]:
                problems.append(f"{package['folder']}/{path} differs from its checksum.")
    return problems
