"""Clauses on the form of codes: their segments, the area's code in them, the limits of the sequence."""

from gis.codes import fits_area
from gis.conform.clause import NO_CODES, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.profiles.profile import CodeRule
from gis.text import Text


def _describe(rule: CodeRule) -> Text:
    """Describe the form: "15 characters: county 6, street 3, community 3, sequence 3"."""
    parts = ", ".join(
        f"{each.name.replace('_', ' ')} {each.length if each.length is not None else 'of any length'}"
        for each in rule.segments
    )
    if rule.length is None:
        return Text(f"“区划代码{rule.separator}序号”", f"the area's code, '{rule.separator}' and a sequence")
    lengths = "+".join(str(each.length) for each in rule.segments)
    return Text(f"{rule.length} 位（{lengths}）", f"{rule.length} characters ({parts})")


def _look_at_form(given: ConformInput) -> Looked:
    rule = given.profile.code
    form = _describe(rule)
    offences = []
    for row, (code, stem) in enumerate(zip(given.layer.codes, given.stem, strict=True)):
        if stem:
            continue
        label = given.layer.labels[row]
        if not code:
            offences.append(
                Offence("", Text(f"第 {row + 1} 条记录没有编码", f"Record {row + 1} has no code"))
            )
        elif rule.length is not None and len(code) != rule.length:
            offences.append(
                Offence(
                    label,
                    Text(
                        f"编码有 {len(code)} 位，应为{form.zh}", f"has {len(code)} characters, not {form.en}"
                    ),
                )
            )
        else:
            offences.append(
                Offence(label, Text(f"编码不符合{form.zh}的形式", f"is not of the form {form.en}"))
            )
    return Looked(offences)


def _look_at_areas(given: ConformInput) -> Looked | NotLookedAt:
    rule = given.profile.code
    if not any(given.area_code):
        return NotLookedAt(Text("网格没有 area_code 列", "the cells have no area_code"))
    offences = []
    for label, stem, part, area in zip(
        given.layer.labels, given.stem, given.area_part, given.area_code, strict=True
    ):
        if not stem or part == area:
            continue
        if not area:
            offences.append(Offence(label, Text("没有所属区划的代码", "names no area")))
        elif fits_area(rule, area) or not rule.area_lengths:
            offences.append(
                Offence(
                    label,
                    Text(
                        f"编码含区划 {part}，所属区划却是 {area}",
                        f"has the area {part} in its code, but belongs to {area}",
                    ),
                )
            )
        else:
            offences.append(
                Offence(
                    label,
                    Text(
                        f"所属区划 {area} 的代码形式不符", f"belongs to {area}, whose code has another form"
                    ),
                )
            )
    return Looked(offences)


def _look_at_limits(given: ConformInput) -> Looked | NotLookedAt:
    rule = given.profile.code
    if not any(given.stem):
        return NO_CODES
    last = rule.last
    ended = frozenset(given.ended or ())
    offences = []
    for label, stem, text, number, alone in zip(
        given.layer.labels, given.stem, given.sequence_text, given.sequence, given.is_alone, strict=True
    ):
        if not stem:
            continue
        if rule.undivided is not None and text == rule.undivided:
            if not alone:
                offences.append(
                    Offence(
                        label,
                        Text(
                            f"序号 {text} 表示社区未划分，但该社区有多个网格",
                            f"has the sequence {text} of an undivided community, which has several cells",
                        ),
                    )
                )
        elif rule.undivided is not None and alone and f"{stem}{rule.undivided}" not in ended:
            offences.append(
                Offence(
                    label,
                    Text(
                        f"社区未划分，序号应为 {rule.undivided}，而不是 {text}",
                        f"is the only cell of its community, whose sequence is {rule.undivided}, not {text}",
                    ),
                )
            )
        elif number < rule.first or (last is not None and number > last):
            width = len(text)
            highest = f"{last if last is not None else 10**width - 1}"
            limits = f"{rule.first:0{width}d}–{highest}"
            offences.append(
                Offence(
                    label,
                    Text(
                        f"序号 {text} 不在 {limits} 之内",
                        f"has the sequence {text}, which is not in {limits}",
                    ),
                )
            )
    return Looked(offences)


CODE_FORM = Clause(
    "code_form",
    Text("编码形式", "Form of codes"),
    "fault",
    lambda profile: profile.code.source,
    _look_at_form,
)
CODE_AREA = Clause(
    "code_area",
    Text("编码与所属区划一致", "Codes hold that of the area"),
    "fault",
    lambda profile: profile.code.source,
    _look_at_areas,
)
SEQUENCE_LIMITS = Clause(
    "sequence_limits",
    Text("序号范围", "Limits of the sequence"),
    "fault",
    lambda profile: profile.code.numbering_source,
    _look_at_limits,
)
