"""Which values are personal: by the names of fields as files really spell them, and by the values
themselves."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.fields.personal import (
    FieldSense,
    find_personal,
    is_personal,
    is_personal_value,
    separate_personal,
)
from layers.fields.personal_values import (
    hold_identity_numbers,
    holds_identity_number,
    identifies_person,
    is_identity_number,
)

ID_NUMBER = "11010519491231002X"
_PERSONAL_FIELDS = """
    姓名 联系电话1 户主姓名 身份证号码 紧急联系人 联系方式 公民身份号码 户主信息 法人代表 监护人 承租人
    家庭成员
    出生日期 出生年份 银行卡号 QQ 家长QQ号 网格员 网格员姓名 法定代表人 手机号（微信同号） 业主 责任人 TEL
    phone_no tel_no telno mobile_no contact_tel owner resident ownerName ownername residentname owner_phone
    ID-Number idno id_card_no IDCard contact contactPerson emergency_contact legal_person headOfHousehold
    householder date_of_birth birthday dob e-mail E_Mail email2 WeChat passport bank_card_no tenant leader
    officer manager nationalId 法人单位负责人电话 户名 联络员 母亲姓名 居住证号 电邮 ownership_phone
    father_name home_address
"""
_OTHER_FIELDS = """
    name 名称 id code address persons households 统一社会信用代码 电话亭 电话亭数 电话亭编号 手机店
    户主人数 证件类型 联系人单位 法人单位名称 法人类型 居民小区 村民小组 居民点 周长 备注 grid_no gridNo
    grid_number cell_no cell_number hotel satellite television automobile headphone microphone
    phone_booth phone_coverage mobile_station ownership owner_type owner_id residential resident_count
    contactless contactor telecom resident_id id_note wildcard birth_rate directory leader_id management
"""


@pytest.mark.parametrize("field", _PERSONAL_FIELDS.split())
def test_a_field_of_a_person_is_known_by_its_name(field: str) -> None:
    assert is_personal(field, "张三 x", "enterprise")
    assert is_personal(field, ["张三 x"])
    assert is_personal("note", {"more": {field: "张三 x"}})


@pytest.mark.parametrize("field", _OTHER_FIELDS.split())
def test_other_fields_are_not_taken_for_it(field: str) -> None:
    assert not is_personal(field, "阳光 x", "enterprise")
    assert is_personal(field, "阳光 x", "enterprise", declared=[field])
    assert is_personal(field, "请打 13800001234", "enterprise")


@pytest.mark.parametrize(
    ("kind", "personal"),
    [
        *((kind, True) for kind in ("household", "officer", "Residents", "居民", "户", "流动人口")),
        *((kind, False) for kind in ("enterprise", "商户", "个体工商户", "居民楼", "residential")),
    ],
)
def test_the_name_of_a_person_is_personal_and_that_of_a_shop_is_not(kind: str, personal: bool) -> None:
    assert is_personal("name", "阳光", kind) is personal
    assert is_personal("名称", "阳光", kind) is personal
    assert is_personal("more", {"members": [{"name": "阳光"}]}, kind) is personal


@pytest.mark.parametrize(
    ("field", "value", "personal"),
    [
        *(
            ("residents", 300, False),
            ("residents", 1_234_567, False),
            ("owner", "3人", False),
            ("contact", "1,200", False),
        ),
        *(("has_phone", True, False), ("phone", "有", False), ("phones", 2, False), ("phone", None, False)),
        *(("contact", 26001234, True), ("owner", "水务局", True), ("owner", 13800001234, True)),
        *(
            ("出生年份", 1985, True),
            ("qq", 10001, True),
            ("phone", "", True),
            ("公示电话", "13800001234", True),
        ),
    ],
)
def test_amounts_are_not_people(field: str, value: object, personal: bool) -> None:
    assert is_personal(field, value, "enterprise") is personal


@pytest.mark.parametrize("kind", ["cell", "officer"])
def test_what_a_post_publishes_is_declared(kind: str) -> None:
    values = {"公示电话": "13800001234", "published_name": "李雷", "phone": "13900001234", "households": 3}
    public, personal = separate_personal(values, kind)
    assert personal == {"phone": "13900001234"}
    assert public == {key: values[key] for key in values if key != "phone"}


IDENTIFYING = [
    *("13800001234", "电话13800001234。", "+86 138-0000-1234", "008613800001234", "138 0000 1234"),
    *(
        "１３８００００１２３４",
        "Tel:13800001234",
        13800001234,
        13800001234.0,
        "138.0000.1234",
        "8613800001234",
    ),
    *(ID_NUMBER, ID_NUMBER.lower(), f"身份证{ID_NUMBER}", "110105 19491231 002X", 110101199003077651),
    *("6222021234567890128", "6222 0212 3456 7890 128", "4111 1111 1111 1111", "5500-0000-0000-0004"),
    *("a.person@mail.example.cn", "见 x@example.com"),
]
OTHER_VALUES = [
    *(None, True, 12, "12", "", "12345678901", "23800001234", "138000012345", "1380000123", "a13800001234b"),
    *("113.13800001234", 0.13800001234, 13800001234.5, "440305001001001", "440305001", 1700000000000),
    *("2026-01-01T10:00:00", "11010519491231002x9", "110105194912310021", "110105194913310020"),
    *("991105194912310021", "914403001922038216", "91440300MA5DA1234X", "6222021234567890129"),
    *("6201020106000005", "4111111111111111", "1111 1111 1111 1111", "user@localhost", "@", "13x"),
]


@pytest.mark.parametrize("value", IDENTIFYING)
def test_a_value_that_identifies_a_person_is_personal_in_any_field(value: object) -> None:
    assert identifies_person(value)
    assert is_personal("remark", value)
    assert is_personal("remark", [{"x": value}])


@pytest.mark.parametrize("value", OTHER_VALUES)
def test_codes_and_amounts_identify_nobody(value: object) -> None:
    assert not identifies_person(value)


@given(st.dates(date(1900, 1, 1), date(2020, 1, 1)), st.integers(0, 999), st.sampled_from("0123456789Xx"))
def test_an_identity_number_has_the_check_that_the_standard_defines(
    born: date, order: int, check: str
) -> None:
    digits = f"440305{born:%Y%m%d}{order:03d}"
    # GB 11643 as it is written: the weight of place i, counted from the right, is 2^(i - 1) mod 11, and all
    # sum to 1.
    value = 10 if check in "Xx" else int(check)
    total = value + sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(digits))
    assert is_identity_number(digits + check) is (total % 11 == 1)


def test_a_credit_code_that_looks_like_a_number_of_a_resident_from_abroad_is_none() -> None:
    born = [f"913{tail:03d}19900307{order:03d}" for tail in range(100, 110) for order in range(1000)]
    numbers = [
        digits + check for digits in born for check in "0123456789" if is_identity_number(digits + check)
    ]
    # One code in 31 has the check of GB 32100 too.
    assert len(numbers) < len(born)
    assert len(numbers) > 0.8 * len(born)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.none()))
def test_no_value_is_lost(values: dict[str, object]) -> None:
    public, personal = separate_personal(values, "enterprise")
    assert {**public, **personal} == values
    assert len(public) + len(personal) == len(values)


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.just([ID_NUMBER]),
    st.sampled_from([*IDENTIFYING, *OTHER_VALUES, "false ", " 是", "12", "2024", "3 人", "张三"]),
)
_COLUMNS = st.lists(_VALUES, max_size=6) | st.lists(
    st.sampled_from(IDENTIFYING + OTHER_VALUES).filter(lambda value: isinstance(value, str)) | st.none(),
    max_size=6,
)


@given(_COLUMNS, st.sampled_from(FieldSense), st.sampled_from(["household", "enterprise"]))
def test_a_column_is_judged_value_by_value(values: list[object], sense: FieldSense, kind: str) -> None:
    assert find_personal(values, sense, kind) == [is_personal_value(value, sense, kind) for value in values]
    texts = [str(value) for value in values]
    assert hold_identity_numbers(texts) == [holds_identity_number(text) for text in texts]
