"""Errors and notes in Chinese: every sentence that the program can raise has its words in the catalogue."""

import ast
import re
from pathlib import Path

import pytest

from api.messages import translate

ROOT = Path(__file__).parents[3]
ROOMS = ("gis", "layers", "api")

RAISED = re.compile(
    r"(?:Input|Parameter|Coverage|Capacity|Refused|NotFound|Stale|Conflict|Unauthorized|Forbidden"
    r"|Limit|Busy|TooManyAttempts)Error$|^HTTPException$|^note$|^print_note$"
)

NOT_FOR_CALLERS = (
    "layers/tiles/",
    "layers/sample/",
    "layers/vendored.py",
    "gis/faces/",
    "api/security/requirements.py",
)
"""Mistakes of the program, and of files that come with it."""


COMPOSED = {
    "There is no parameter '⟨1⟩'; ⟨3⟩.",
    "⟨0⟩ that is not among the areas (⟨2⟩), and ⟨4⟩ taken as the top",
    "⟨0⟩: ⟨2⟩: ⟨4⟩",
    "⟨0⟩ ⟨2⟩; give a zip with one.",
    "⟨0⟩: ⟨2⟩; give tables only, as a new file.",
    "⟨0⟩: it holds ⟨2⟩, the cap is ⟨4⟩; ⟨6⟩.",
    "⟨0⟩: its units lie in parts that share no border; ⟨2⟩.",
    "⟨0⟩: unit '⟨2⟩' has no way to any of them; ⟨4⟩.",
    "⟨0⟩: '⟨2⟩' ⟨4⟩.",
    "Plan ⟨1⟩ (⟨3⟩) is built upon adjustment ⟨5⟩ of areas; ⟨7⟩.",
    "The areas of plan ⟨1⟩ are others on ⟨3⟩ than on ⟨5⟩, for which it was checked: ⟨7⟩; check it for ⟨9⟩.",
}
"""Sentences most of whose words stand in their places; examples of them are below."""


def sentence_of(node: ast.expr) -> str | None:
    """Return the sentence that an expression makes, with words of the caller's in its places."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        text = ""
        for count, part in enumerate(node.values):
            if isinstance(part, ast.Constant):
                text += str(part.value)
            elif not re.search(r"[a-z⟩]$|'[^' ]+'$", text):
                # What follows a word or another place at once is an addition that may be missing.
                text += f"⟨{count}⟩"
        return text
    return None


def sentences() -> list[tuple[str, str]]:
    found = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(NOT_FOR_CALLERS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                for argument in node.args if RAISED.search(called) else ():
                    sentence = sentence_of(argument)
                    if sentence is not None and " " in re.sub("⟨.*?⟩", "", sentence).strip():
                        found[sentence] = f"{name}:{node.lineno}"
    return list(found.items())


def test_every_sentence_has_chinese_words():
    missing = []
    for sentence, where in sentences():
        words = translate(sentence, "zh")
        places = re.findall("⟨.*?⟩", sentence)
        told = re.search("[\u4e00-\u9fff]", words) and sorted(re.findall("⟨.*?⟩", words)) == sorted(places)
        if not told and sentence not in COMPOSED:
            missing.append(f"{where}: {sentence} -> {words}")
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("/a b/x; y.csv: there is no such file.", "/a b/x; y.csv：没有这个文件。"),
        ("There is no scheme 'a; b'.", "没有网格体系“a; b”。"),
        (
            "c.gpkg: record 3 (code 'x; y') has no polygon; wangge check lists all defects.",
            "c.gpkg：第 3 条记录（编码“x; y”）没有多边形；wangge check 会列出全部缺陷。",
        ),
        (
            "x.csv names no coordinate reference system; put it right in what is sent.",
            "x.csv没有写明坐标系；请在所发送的内容中改正。",
        ),
        (
            "own.toml: 'code.numbering.last' must be a whole number, not 'x'.",
            "own.toml：“code.numbering.last”应为整数，而不是 'x'。",
        ),
        (
            "own.toml: 'size.most' is unknown; allowed here: nominal_m2, source.",
            "own.toml：“size.most”不认识；此处可用：nominal_m2, source。",
        ),
        (
            (
                "a.gpkg: Profile gbt47678 needs areas with 12 digits (community), but area 440305 has 6; "
                "divide areas with such codes, or use --profile plain."
            ),
            (
                "a.gpkg：标准 gbt47678 需要 12 位代码的行政区划（community），而区划 440305 有 6 位；"
                "请划分有这种代码的区划，或用 --profile plain。"
            ),
        ),
        (
            "Plan 3 (draft) is built upon adjustment 4 of areas; delete or withdraw it first.",
            "方案 3（草案）以编号 4 的区划调整为基础；请先删除或撤回它。",
        ),
        (
            (
                "The areas of plan 3 are others on 2026-03-02 than on 2026-03-01, for which it was checked: "
                "without A, B, with C; check it for 2026-03-02."
            ),
            (
                "方案 3 的行政区划在 2026-03-02 与检查所针对的 2026-03-01 不同：少了 A, B，多了 C；"
                "请按 2026-03-02 再检查。"
            ),
        ),
        (
            "There is no area 'A' on 2026-03-01; it ended on 2026-03-01 and became C, D.",
            "2026-03-01 没有行政区划“A”；它在 2026-03-01 终止，成为 C, D。",
        ),
        ("There is no parameter 'q'; there are lon, lat.", "没有参数“q”；有 lon, lat。"),
        (
            "a.csv: 2 areas name a parent that is not among the areas (440300), and are taken as the top",
            "a.csv：2 个行政区划的上级不在行政区划之中（440300），按最上级处理",
        ),
        ("m.zip holds no Shapefile; give a zip with one.", "m.zip里没有 Shapefile；请给只含一个的 zip。"),
        (
            "m.gpkg: 'v' is a virtual table; give tables only, as a new file.",
            "m.gpkg：“v”是虚拟表；请只给表，作为新文件。",
        ),
        (
            (
                "2 relations are left out, as their borders are not complete: 13, whose ways do not close or "
                "lack nodes; and 1 more"
            ),
            "略去 2 个关系，因为它们的边界不完整：13，它的路线不闭合或缺少节点；等，另有 1 条",
        ),
        (
            (
                "note: a.csv does not say how its text is encoded and is read as Big5; "
                "if names look wrong, give the encoding with --cells-encoding"
            ),
            "注意：a.csv没有说明文本的编码，按 Big5 读取；名称若不对，请用 --cells-encoding 指明编码",
        ),
        (
            "r.toml, line 4: 'rule[1].all[1].of' is 'lmp', which is unknown (near it: lamp).",
            "r.toml, line 4：“rule[1].all[1].of”为“lmp”，无此值（相近的有：lamp）。",
        ),
        (
            (
                "c.csv: record 2 (code 'b'): '-2' in column 'homes' is negative; "
                "a load is a number of at least 0 in every cell."
            ),
            "c.csv：第 2 条记录（编码“b”）的列“homes”中的“-2”是负数；每个网格的负荷都应是不小于 0 的数。",
        ),
        (
            "'A' cannot be divided into 2 cells: it holds 9 households, the cap is 4; ask for 3 at least.",
            "'A' 不能划分成 2 个网格：它有 9 households，上限是 4；请至少要 3 个。",
        ),
        ("limit: Input should be less than or equal to 1000", "limit：应小于或等于 1000"),
        ("Plan 3 is superseded, not draft.", "方案 3 是已被替代，不是草案。"),
        ("What no catalogue has; ask again.", "What no catalogue has; ask again."),
    ],
)
def test_values_stay_and_a_sentence_is_never_mixed(english, chinese):
    assert translate(english, "zh") == chinese
    assert translate(english, "en") == english
