"""Whether a value of a record says who a person is: the one answer to it, for every writer.

By the name of its field, which is matched by containment, and by the value itself, wherever it stands.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

from gis.errors import InputError
from layers.fields.personal_values import holds_identity_number, identifies_person, may_identify_persons

_PERSON_KINDS = re.compile(
    "(?:^|_)(?:officer|household|resident|person|occupant|tenant)s?$|people$|^户$"
    "|(?:农|住|租|家庭|居民|集体)户$|(?:居民|人口|人员|租客|老人|儿童|党员|志愿者|网格员)$"
)
"""Kinds whose records are people or homes: their name is the name of a person."""

_NAME_FIELDS = frozenset({"name", "名称", "名字", "nl_name"})

# What posts publish is declared by its name, never guessed: a file of officers or of cells says so itself.
_PUBLISHED = re.compile("^(?:published|公示|公开)")
_PUBLISHING_KINDS = frozenset({"officer", "cell"})

# Words are joined by "_" where they were apart, and many files join them without.
_IDENTIFYING = re.compile(
    "姓名|曾用名|户名|电话(?![亭杆线缆井箱局柱])|手机(?!店)|座机|固话|联系方式|联络方式|联系号码|移动号码|身份证|身份号码|证件号|护照|通行证|居住证"
    "|驾驶证|驾照|银行卡|银行账|银行帐|卡号|社保号|社会保障号|微信|支付宝|邮箱|电邮|电子邮件|出生日期|出生年|生日"
    "|家庭住址|户籍地"
    "|(?<!head)(?<!ear)(?<!micro)phone(?!_?(?:booth|box|pole|kiosk|shop))|(?<!auto)mobile|(?<![a-z])tel(?:_?(?:no|num|number))?(?![a-z])"
    "|(?:contact|home|office|work|owner|leader|manager|emergency)_?tel"
    "|contact_?(?:no|num|number|info|detail|way)|we_?chat|weixin|whats_?app"
    "|(?<![a-z])qq(?:_?(?:no|num|number))?(?![a-z])|home_?address"
    "|email|(?:^|_)e_mail|passport|(?:^|_)id_?(?:card|no|num|number)(?:_?(?:no|num|number))?(?![a-z])"
    "|identity_?(?:card|no|num|code)|(?:national|citizen)_?id(?![a-z])|(?:^|_)ssn(?![a-z])|social_?security"
    "|bank_?(?:card|acc)|card_?(?:no|num|number)(?![a-z])|account_?(?:no|number)(?![a-z])"
    "|birth_?(?:day|date|year|month)|date_?of_?birth|(?:^|_)dob(?![a-z])|surname"
    "|(?:full|first|last|middle|given|family|person|people|owner|leader|officer|manager|head|father|mother|wife|husband"
    "|child|parent|patient|student|customer|client|employee|staff|user)_?name"
)
_ROLES = re.compile(
    "户主|联系人|联络人|联络员|法人(?!单位|机构|代码|企业|团体|组织)|法定代表|监护人|承租人|出租人|租客|房东|业主"
    "|产权人|家庭成员|家属|配偶|亲属|父亲|母亲|丈夫|妻子|子女"
    "|居民(?!小区|点|楼|委|区|组)|村民(?!小组|委|组)|住户|负责人|责任人|经办人|当事人|申请人|管理人|网格员|网格长"
    "|楼长|楼栋长|片长|民警|巡查员|协管员"
    "|owner(?!_?ship)|householder|household_?head|head_?of_?(?:house|family)|resident(?!ial)|(?:^|_)occupant"
    "|(?:^|_)tenant|lessee|lessor|landlord|guardian|spouse|next_?of_?kin|contact(?!less|or)|legal_?(?:person|rep)|(?:^|_)representative$|(?:^|_)leader"
    "|(?:^|_)manager|(?:^|_)officer|(?:^|_)inspector|(?:^|_)supervisor|(?:^|_)director(?!y|ate)|(?:^|_)applicant"
    "|(?:^|_)responsible(?:_?(?:person|officer))?$|(?:^|_)in_?charge$"
)
# What is counted, classed or built: 电话亭, 户主人数, phone_booth, 证件类型.
_NOT_OF_A_PERSON = re.compile(
    "(?:数|数量|总数|率|占比|比例|类型|类别|种类|分类|性质|状态|级别|等级|亭|杆|线|线路|缆|井|箱|局|站|店|厅|点|库|单位"
    "|机构|企业|公司|部门|组织|委员会|政府|制度|职责"
    "|(?:^|_)(?:counts?|total|type|kind|class|category|status|share|ratio|rate|percent|booths?|box|boxes|poles?|tower"
    "|mast|shop|store|station|coverage|signal|network|model|brand|company|organi[sz]ation|department|agency|unit"
    "|verified))$"
)
# A key to the record of somebody is no name; its value is still looked at.
_KEY_OF_ROLE = re.compile("(?:编号|编码|代码|序号|(?:^|_)(?:ids?|code|no|num|numbers?|since|date))$")

_OSM_KEYS = frozenset({"osm_id", "osm_way_id", "osm_relation_id", "full_id"})
"""Numbers of OpenStreetMap have come to look like mobile numbers."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[\W_]+")
_YES_OR_NO = frozenset({"yes", "no", "y", "n", "true", "false", "是", "否", "有", "无"})
_LONGEST_HARMLESS = 5
"""Characters of the longest text that identifies nobody in a field that does: "false"."""

_SHORT_NUMBER = re.compile(r"(?!(?:19|20)[0-9]{2})[0-9]{1,4}")
_AMOUNT = re.compile(r"[-+]?[0-9]{1,3}(?:,?[0-9]{3})?(?:\.[0-9]+)?\s*(?:%|人|户|名|个|家|位)?")

_MOST_PEOPLE = 10**7
# A larger number is a telephone's.


class FieldSense(IntEnum):
    """How much the name of a field says about its values."""

    open = 0
    """Nothing: the value decides."""
    public = 1
    """Nothing in it is personal: declared as published, or a number that only looks so."""
    role = 2
    """A person in some role, unless the value is an amount or yes or no."""
    identifying = 3
    """Who a person is, unless the value is yes or no or a short number."""
    personal = 4
    """Personal, whatever the value."""


class Separated(NamedTuple):
    """The values of a record: those for all who may see it, and those about people."""

    public: dict[str, Any]
    personal: dict[str, Any]


def field_sense(field: str, kind: str = "", declared: Collection[str] = ()) -> FieldSense:
    """Return how much the name of a field says about its values.

    Parameters
    ----------
    field
        As the file or request spells it.
    kind
        Of the record: `cell`, `area`, `officer` or a kind of entity. The name of a household is a person's,
        that of an enterprise is not.
    declared
        Fields that the user calls personal.
    """
    return FieldSense.personal if field in declared else _sense_of(field, kind)


def is_personal(field: str, value: object, kind: str = "", declared: Collection[str] = ()) -> bool:
    """Return whether a value of a record is personal, by the name of its field or by itself.

    Parameters are those of `field_sense`; a value may be a document, in which one such value makes all of it
    personal.
    """
    return is_personal_value(value, field_sense(field, kind, declared), kind)


def is_personal_value(value: object, sense: FieldSense, kind: str = "") -> bool:
    """Return whether a value is personal in a field of some sense, of a record of some kind."""
    if sense is FieldSense.personal:
        return True
    if sense is FieldSense.public or value is None or isinstance(value, bool):
        return False
    if isinstance(value, dict):
        senses = (max(sense, field_sense(str(key), kind)) for key in value)
        return any(map(is_personal_value, value.values(), senses, repeat(kind)))
    if isinstance(value, list | tuple):
        return any(is_personal_value(each, sense, kind) for each in value)
    if sense is FieldSense.open:
        return identifies_person(value)
    text = str(value).strip()
    if text.lower() in _YES_OR_NO:
        return False
    if sense is FieldSense.identifying:
        return _SHORT_NUMBER.fullmatch(text) is None
    if isinstance(value, int | float) and abs(value) < _MOST_PEOPLE:
        return False
    return _AMOUNT.fullmatch(text) is None


def find_personal(values: Sequence[object], sense: FieldSense, kind: str = "") -> list[bool]:
    """Return for each value of a column what `is_personal_value` does; most columns have a quick answer."""
    types = set(map(type, values))
    if types <= {str, int, float, type(None)}:
        if sense is FieldSense.open and not may_identify_persons(values, types):
            return [False] * len(values)
        if sense is FieldSense.identifying and types == {str}:
            return [
                len(value) > _LONGEST_HARMLESS or is_personal_value(value, sense, kind)
                for value in map(str.strip, values)  # type: ignore[arg-type]
            ]
    return [is_personal_value(value, sense, kind) for value in values]


def separate_personal(values: Mapping[str, Any], kind: str = "", declared: Collection[str] = ()) -> Separated:
    """Part the values of a record into those that all may see and those about people.

    Parameters are those of `field_sense`.
    """
    separated = Separated({}, {})
    for field, value in values.items():
        part = separated.personal if is_personal(field, value, kind, declared) else separated.public
        part[field] = value
    return separated


def gather_personal(
    values: Mapping[str, Any], personal: Mapping[str, Any], kind: str = "", declared: Collection[str] = ()
) -> Separated:
    """Part the values of a record as `separate_personal` does, and add what is known of people already.

    A value that would meet another under its key gets a key of its own, so that nothing is lost.
    """
    public, found = separate_personal(values, kind, declared)
    merged = dict(personal)
    for field, value in found.items():
        key = field
        while key in merged and merged[key] != value:
            key += "_2"
        merged[key] = value
    return Separated(public, merged)


class EntityContent(NamedTuple):
    """What is known of an entity, with all that is personal in one place."""

    name: str | None
    class_name: str | None
    attributes: dict[str, Any]
    personal: dict[str, Any]


def separate_entity(
    kind: str,
    name: str | None,
    class_name: str | None,
    attributes: Mapping[str, Any],
    personal: Mapping[str, Any],
) -> EntityContent:
    """Move what is personal in the name, class and attributes of an entity to its personal values."""
    heads = gather_personal(
        {key: value for key, value in (("name", name), ("class_name", class_name)) if value is not None},
        personal,
        kind,
    )
    rest = gather_personal(attributes, heads.personal, kind)
    return EntityContent(heads.public.get("name"), heads.public.get("class_name"), rest.public, rest.personal)


def is_personal_identity(identity: str, kind: str) -> bool:
    """Return whether what is to identify a record, in lists and in the audit, identifies a person instead.

    Codes of many records are as long as a mobile number, those of officers are not.
    """
    return holds_identity_number(identity) or (kind == "officer" and identifies_person(identity))


def require_public_names(names: Iterable[str | None], codes: Iterable[str]) -> None:
    """Refuse names of areas or cells that hold what identifies a person: tiles and maps show them.

    Raises
    ------
    InputError
        With the first record that has such a name; the name itself is not told.
    """
    for record, (name, code) in enumerate(zip(names, codes, strict=True), 1):
        if name != code and identifies_person(name):
            raise InputError(
                f"The name of record {record} (code '{code}') holds a number or address of a person, and "
                "maps show it; give it another name, or take another field for the names."
            )


@lru_cache(maxsize=10_000)
def _sense_of(field: str, kind: str) -> FieldSense:
    plain = _NO_WORD.sub("_", _CAMEL.sub("_", field.strip())).strip("_").lower()
    plain = re.sub(r"_?[0-9]+$", "", plain)
    kind = kind.strip().lower()
    if kind in _PUBLISHING_KINDS and _PUBLISHED.match(plain):
        return FieldSense.public
    if plain in _NAME_FIELDS and _PERSON_KINDS.search(kind):
        return FieldSense.personal
    if plain in _OSM_KEYS:
        return FieldSense.public
    if _NOT_OF_A_PERSON.search(plain):
        return FieldSense.open
    if _IDENTIFYING.search(plain):
        return FieldSense.identifying
    if _ROLES.search(plain) and not _KEY_OF_ROLE.search(plain):
        return FieldSense.role
    return FieldSense.open
