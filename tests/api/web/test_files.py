"""The files of the page as they are sent: open to everybody, kept by tags, strict about what they load."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from api.routes.web_page import content_security_policy
from api.settings import ServiceSettings
from api.web import WEB
from gis.errors import InputError
from tests.plain_http import get

SCRIPTS = sorted((WEB / "js").rglob("*.js"))
DOCUMENTS = {"index.html": "js/monitor/start.js", "plan.html": "js/editor/start.js"}
"""The documents and the script with which each begins."""
WORDS = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.name == "words.js")


def imported_by(script: Path) -> list[Path]:
    """The scripts that one imports, at once or later."""
    text = script.read_text(encoding="utf-8")
    return [(script.parent / path).resolve() for path in re.findall(r'(?:from|import\() ?"(\.[^"]+)"', text)]


def test_the_page_is_open_and_strict(service: str) -> None:
    answer = get(service)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "<title>网格 Wangge</title>" in answer.text
    # No script and no style stands in the document itself.
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text) == []
    assert get(f"{service}/v1/page").status_code == 401
    again = get(service, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    plain = get(f"{service}/web/js/monitor/start.js", headers={"Accept-Encoding": "identity"})
    packed = get(f"{service}/web/js/monitor/start.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content == (WEB / "js" / "monitor" / "start.js").read_bytes()
    assert plain.headers["content-security-policy"] == policy


def test_files_are_kept_for_ever_under_their_version(service: str) -> None:
    """A page that is opened again asks for its document and for data alone."""
    named = re.findall(r'(?:href|src)="(web/([0-9a-f]{12})/[^"]+)"', get(service).text)
    assert len(named) > 40
    assert len({version for _, version in named}) == 1
    address, version = named[-1]
    kept = get(f"{service}/{address}")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    # What other versions are asked for may change.
    for other in (address.replace(version, "0" * 12), address.replace(f"{version}/", "")):
        answer = get(f"{service}/{other}")
        assert (answer.content, answer.headers["cache-control"]) == (kept.content, "no-cache")
    etag = kept.headers["etag"]
    assert get(f"{service}/{address}", headers={"If-None-Match": f'"other", W/{etag}'}).status_code == 304


@pytest.mark.parametrize(
    "path", ["", "index.html", "__init__.py", "../settings.py", "js/none.js", "vendor/manifest.json"]
)
def test_nothing_else_is_sent(service: str, path: str) -> None:
    # Written out, because the client would take the dots for a way up.
    assert get(f"{service}/web/{path.replace('..', '%2e%2e')}").status_code in (401, 404)


def test_every_file_that_is_named_is_there(service: str) -> None:
    named = [
        WEB / path
        for document in DOCUMENTS
        for path in re.findall(r'"(?:\./)?web/([^"]+)"', (WEB / document).read_text(encoding="utf-8"))
    ]
    named += [path for script in SCRIPTS for path in imported_by(script)]
    assert len(named) > 60
    assert [path for path in named if not path.resolve().is_file()] == []
    for path in {path.resolve().relative_to(WEB).as_posix() for path in named}:
        assert get(f"{service}/web/{path}").status_code == 200, path


def test_every_script_is_named_in_its_document() -> None:
    """What is fetched at once need not be waited for one after the other."""
    used = set()
    for document, start in DOCUMENTS.items():
        needed = {(WEB / start).resolve()}
        while (
            more := {path for script in needed if script in SCRIPTS for path in imported_by(script)} - needed
        ):
            needed |= more
        named = set(re.findall(r'"web/([^"]+js)"', (WEB / document).read_text(encoding="utf-8")))
        assert named == {path.relative_to(WEB).as_posix() for path in needed}, document
        used |= needed
    assert set(SCRIPTS) - used == set()


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in [*SCRIPTS, *(WEB / "css").glob("*.css"), *map(WEB.joinpath, DOCUMENTS)]:
        foreign = re.findall(
            r"https?://(?!www\.w3\.org/2000/svg)[^\s\"'`)]*", path.read_text(encoding="utf-8")
        )
        assert foreign == [], path.name
        assert "innerHTML" not in path.read_text(encoding="utf-8"), path.name


def test_every_word_is_there_in_both_languages() -> None:
    entries = dict(
        re.findall(
            r'^  "?([\w.]+)"?: \[(.*?)\],$', re.sub(r"\[\n\s+(.*?)\n\s+(.*?)\n\s+\]", r"[\1 \2]", WORDS), re.M
        )
    )
    assert len(entries) > 150
    for key, pair in entries.items():
        assert len(re.findall(r'"(?:[^"\\]|\\.)*"', pair)) == 2, key
        gaps = [sorted(re.findall(r"\{\w+\}", text)) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', pair)]
        assert gaps[0] == gaps[1], key
    documents = "".join(
        (WEB / document).read_text(encoding="utf-8") for document in (*DOCUMENTS, "gate.html")
    )
    used = set(re.findall(r'data-t(?:-\w+)?="([\w.]+)"', documents))
    for script in SCRIPTS:
        if script.name != "words.js":
            used |= set(re.findall(r'\bt\("([\w.]+)"', script.read_text(encoding="utf-8")))
            used |= set(re.findall(r'"(editor\.\w+)"', script.read_text(encoding="utf-8")))
    assert used - entries.keys() == set()


def test_every_word_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.name != "words.js")
    text += "".join((WEB / document).read_text(encoding="utf-8") for document in (*DOCUMENTS, "gate.html"))
    # Asked for by a kind of the data, by a letter, by a tool's key, or one for each step of a list.
    open_ended = re.compile(
        r"(kind|duty|role|personal|attribute|status|severity|reason|layer|method|sheet|feature|level|change|gaps_group"
        r"|plan_state|finding|edit|saving|draw|divide)\."
        r"|rank_[ab]$|\w+_short$|(group|search_as|no_schemes)_"
    )
    keys = re.findall(r'^  "?([\w.]+)"?: \[', WORDS, re.M)
    assert [key for key in keys if f'"{key}"' not in text and not open_ended.match(key)] == []


def test_the_files_are_in_what_is_published(tmp_path: Path) -> None:
    root = WEB.parents[1]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    wanted = {path.relative_to(root).as_posix() for path in WEB.rglob("*") if path.suffix not in ("", ".pyc")}
    (wheel,) = tmp_path.glob("*.whl")
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        assert wanted <= {name.partition("/")[2] for name in opened.getnames()}


def test_modules_are_small() -> None:
    assert {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in SCRIPTS
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    } == {}


def test_tiles_of_another_server_widen_the_policy_by_its_origin_alone(tmp_path: Path) -> None:
    settings = ServiceSettings(base_tiles="https://tiles.city.example:8443/a/{z}/{x}/{y}.png?key=1")
    assert "img-src 'self' https://tiles.city.example:8443 data: blob:" in content_security_policy(settings)
    assert "key=1" not in content_security_policy(settings)
    for wrong in (
        "tiles",
        "javascript:alert(1)/{z}",
        "https://a b/{z}",
        "https://a; script-src */{z}",
        "https://a/",
    ):
        with pytest.raises(InputError, match="WANGGE_BASE_TILES"):
            ServiceSettings(base_tiles=wrong)
