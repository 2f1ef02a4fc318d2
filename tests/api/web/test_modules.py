"""The modules of the page: which room may import which, no cycles, and no export that nobody imports."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from api.web import WEB

ROOT = WEB / "js"
# What each room may import, beside itself.
FLOORS: dict[str, set[str]] = {
    "core": set(),
    "map": {"core", "vendor"},
    "sheets": {"core", "map"},
    "tools": {"core", "map"},
    "monitor": {"core", "map", "sheets", "tools"},
    "editor": {"core", "map", "vendor"},
}
# The frame is given its sheets, the pointer its targets, and the card its tools: none knows a member by name.
FRAMES: dict[str, set[str]] = {
    "sheets/sheet.js": {"sheets/parts.js"},
    "map/pointer.js": set(),
    "tools/tool_card.js": set(),
}
IMPORT = re.compile(r'^import (?:\{([^}]*)\}|\* as \w+) from "(\.[^"]+)";|\bimport\("(\.[^"]+)"\)', re.M)
EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)|^export \{ (\w+) \};", re.M)


def read() -> dict[str, str]:
    """The text of each module by its path below the root."""
    found = sorted(ROOT.rglob("*.js"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found}


def target(module: str, written: str) -> str:
    """The path below the root of what a module imports; vendored files begin with `vendor/`."""
    path = (ROOT / module).parent / written
    return Path(path.resolve()).relative_to(WEB).as_posix().removeprefix("js/")


def imports(modules: dict[str, str]) -> dict[str, set[str]]:
    """The modules that each module imports."""
    return {
        module: {target(module, static or dynamic) for _, static, dynamic in IMPORT.findall(text)}
        for module, text in modules.items()
    }


def floors_broken(graph: dict[str, set[str]]) -> list[str]:
    """The imports of rooms that may not be imported from where they are."""
    return [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in sorted(others)
        if (room := module.split("/")[0]) != other.split("/")[0] and other.split("/")[0] not in FLOORS[room]
    ]


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one cycle of imports, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_import_is_read() -> None:
    """Another way of writing imports must not slip past these tests."""
    for module, text in read().items():
        assert len(re.findall(r"\bimport\b[ ({]", re.sub("//.*", "", text))) == len(IMPORT.findall(text)), (
            module
        )
        assert not re.search(r"^export .* from ", text, re.M), module


def test_rooms_import_only_the_rooms_below_them() -> None:
    graph = imports(read())
    assert {module.split("/")[0] for module in graph} == set(FLOORS)
    assert floors_broken(graph) == []


def test_no_modules_import_each_other() -> None:
    assert cycle(imports(read())) == []


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_imports_no_member_of_its_family(frame: str) -> None:
    own = {other for other in imports(read())[frame] if other.split("/")[0] == frame.split("/")[0]}
    assert own <= FRAMES[frame]


def test_whatever_is_exported_is_imported_somewhere() -> None:
    modules = read()
    used = {
        (target(module, written), name.strip())
        for module, text in modules.items()
        for names, written, _ in IMPORT.findall(text)
        for name in names.split(",")
    }
    # By a dynamic import.
    used |= {("monitor/app.js", "openApp"), ("editor/app.js", "openApp")}
    exported = {
        (module, first or second)
        for module, text in modules.items()
        for first, second in EXPORT.findall(text)
    }
    assert len(exported) > 100
    assert exported - used == set()


@pytest.mark.parametrize(
    ("module", "added", "broken"),
    [
        ("core/dom.js", "../map/palette.js", True),
        ("map/pin.js", "../sheets/parts.js", True),
        ("tools/ruler.js", "../sheets/parts.js", True),
        ("sheets/gap.js", "../tools/share.js", True),
        ("sheets/parts.js", "./gap.js", False),
        ("core/state.js", "./i18n.js", False),
    ],
)
def test_a_wrong_import_is_found(module: str, added: str, broken: bool) -> None:
    """A floor that is broken, or else a cycle."""
    modules = read()
    modules[module] += f'\nimport {{ anything }} from "{added}";\n'
    graph = imports(modules)
    assert bool(floors_broken(graph)) == broken
    assert broken or cycle(graph)
