"""The report of the demonstration, as Markdown in Chinese or English."""

from collections.abc import Sequence

import pandas as pd

from api.demo.database import PublishedPlan
from api.demo.files import DemoResult
from gis.areas import leaf_areas
from gis.gaps import explain_gap, gap_facts, gap_label
from gis.topology.findings import format_area

_TEXTS = {
    "zh": {
        "title": "示例区网格化报告（合成数据）",
        "division": "网格划分",
        "ground": (
            "{cells:,} 个网格，覆盖 {streets:,} 个街道的 {communities:,} 个社区，共 {area}；"
            "最小 {least}，最大 {most}。"
        ),
        "blocks": "按道路和铁路划分为 {blocks:,} 个地块，切分建筑 {cut:,} 栋（共 {buildings:,} 栋）。",
        "valid": "拓扑检查通过：无空白、无重叠，相邻网格顶点一致。",
        "invalid": "拓扑检查未通过。",
        "assignment": "对象归属",
        "assignment_head": ("对象", "总数", "网格内", "边界上", "按份额", "未归属"),
        "gaps": "盲区",
        "gaps_head": ("类型", "数量", "严重", "面积", "户数", "企业"),
        "skipped": "未分析：{kind}（{reason}）",
        "worst": "最严重的盲区",
        "worst_head": ("类型", "网格", "面积", "户数", "企业", "违反的规则"),
        "defects": "问题数据",
        "defects_head": ("文件", "判断", "把握", "据此归属", "仍未归属的原因"),
        "reading": "{datum}，{axes}",
        "axes": ("经度、纬度", "纬度、经度（颠倒）"),
        "areas": "有缺陷的区划：{overlaps:,} 处重叠（{overlap}），{blanks:,} 处空白（{blank}）。",
        "repaired": "修复后面积变化最大的是 {code}：{change:+,.2f} m²（{share:+.2%}）。",
        "plans": "数据库中的方案",
        "plans_head": ("网格体系", "方案", "生效日期", "新网格", "盲区"),
        "files": "文件",
    },
    "en": {
        "title": "Report on the sample district (synthetic data)",
        "division": "Division",
        "ground": (
            "{cells:,} cells over {communities:,} communities in {streets:,} streets, {area} in all; "
            "the smallest {least}, the largest {most}."
        ),
        "blocks": (
            "Streets and railways enclose {blocks:,} blocks, which cut {cut:,} of {buildings:,} buildings."
        ),
        "valid": "The check holds: no blank, no overlap, neighbours share their vertices.",
        "invalid": "The check does not hold.",
        "assignment": "Assignment",
        "assignment_head": ("entities", "all", "inside", "on a border", "by share", "none"),
        "gaps": "Gaps",
        "gaps_head": ("kind", "gaps", "high", "ground", "households", "enterprises"),
        "skipped": "Not looked for: {kind} ({reason})",
        "worst": "The most severe gaps",
        "worst_head": ("kind", "cell", "ground", "households", "enterprises", "rule broken"),
        "defects": "Defective files",
        "defects_head": ("file", "reading", "confidence", "assigned so", "why others are not"),
        "reading": "{datum}, {axes}",
        "axes": ("longitude, latitude", "latitude, longitude (swapped)"),
        "areas": "Areas with defects: {overlaps:,} overlaps ({overlap}), {blanks:,} blanks ({blank}).",
        "repaired": "After the repair the area of {code} has changed most: {change:+,.2f} m² ({share:+.2%}).",
        "plans": "Plans in the database",
        "plans_head": ("scheme", "plan", "in force from", "cells begun", "gaps"),
        "files": "Files",
    },
}
_WORST_COUNT = 10


def render_report(result: DemoResult, language: str = "zh", published: Sequence[PublishedPlan] = ()) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    result
        The results in files.
    language
        zh or en.
    published
        The plans of the database, if there is one.
    """
    texts: dict[str, object] = dict(_TEXTS[language])

    def text(key: str, **figures: object) -> str:
        return str(texts[key]).format(**figures)

    def header(key: str) -> Sequence[str]:
        found = texts[key]
        assert isinstance(found, tuple)
        return found

    def label(kind: str) -> str:
        return str(getattr(gap_label(kind), language))

    areas, cells = result.areas, result.cells
    lines = [f"# {text('title')}", "", f"## {text('division')}", ""]
    lines += [
        text(
            "ground",
            cells=len(cells),
            communities=len(leaf_areas(areas)),
            streets=int((areas["level"] == "town").sum()),
            area=format_area(float(cells["area_m2"].sum())),
            least=format_area(float(cells["area_m2"].min())),
            most=format_area(float(cells["area_m2"].max())),
        ),
        text("valid" if result.check.is_valid else "invalid"),
        "",
        text(
            "blocks",
            blocks=len(result.blocks.cells),
            cut=len(result.blocks.cut),
            buildings=result.sample.counts["buildings"],
        ),
    ]
    lines += ["", f"## {text('assignment')}", ""]
    lines += _markdown_table(
        header("assignment_head"),
        [
            (
                kind,
                assign_report.total,
                *(assign_report.method_counts[word] for word in ("inside", "border", "share", "none")),
            )
            for kind, assign_report in result.assign_reports.items()
        ],
    )
    found = result.gaps.summary()
    worst = result.gaps.frame.assign(figures=pd.Series(list(result.gaps.figures), dtype=object)).head(
        _WORST_COUNT
    )
    lines += ["", f"## {text('gaps')}", ""]
    lines += _markdown_table(
        header("gaps_head"),
        [
            (
                label(kind),
                row["gaps"],
                row["high"],
                format_area(row["area_m2"]),
                row["households"],
                row["enterprises"],
            )
            for kind, row in found["kinds"].items()
        ],
    )
    lines += [
        text("skipped", kind=label(kind), reason=getattr(reason, language))
        for kind, reason in result.gaps.skipped_kinds.items()
    ]
    lines += ["", f"### {text('worst')}", ""]
    lines += _markdown_table(
        header("worst_head"),
        [
            (
                label(row["kind"]),
                row["cell_code"],
                format_area(row["area_m2"]),
                row["households"],
                row["enterprises"],
                getattr(explain_gap(row["kind"], facts, rule=row["rule"], detail="")[0], language),
            )
            for row, facts in zip(
                worst.drop(columns="geometry").to_dict("records"), gap_facts(worst), strict=True
            )
        ],
    )
    lines += ["", f"## {text('defects')}", ""]
    lines += _markdown_table(
        header("defects_head"),
        [
            (
                name,
                text("reading", datum=diagnosis.datum.label, axes=header("axes")[diagnosis.swapped]),
                f"{diagnosis.datum_confidence} / {diagnosis.axes_confidence}",
                f"{result.corrected_reports[name].assigned:,} / {result.corrected_reports[name].total:,}",
                ", ".join(
                    f"{word} {count:,}"
                    for word, count in result.corrected_reports[name].reason_counts.items()
                )
                or "-",
            )
            for name, diagnosis in result.diagnoses.items()
        ],
    )
    faults, largest = result.defective.summary(), result.repaired.summary()["largest_change"]
    lines += [
        "",
        text(
            "areas",
            overlaps=faults["overlap"]["count"],
            overlap=format_area(faults["overlap"]["area_m2"]),
            blanks=faults["blank"]["count"],
            blank=format_area(faults["blank"]["area_m2"]),
        ),
        text("repaired", code=largest["code"], change=largest["change_m2"], share=largest["change_share"]),
    ]
    if published:
        rows = [(each.scheme, each.name, each.on, each.cells, each.gaps) for each in published]
        lines += ["", f"## {text('plans')}", "", *_markdown_table(header("plans_head"), rows)]
    lines += ["", f"## {text('files')}", ""]
    lines += [f"- {path.name}" for path in sorted(result.folder.iterdir()) if not path.name.startswith(".")]
    return "\n".join(lines) + "\n"


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    def cell(value: object) -> str:
        return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")

    body = ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *body]
