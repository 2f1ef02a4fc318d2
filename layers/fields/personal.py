"""Which fields say who a person is."""

import re
from collections.abc import Collection

PERSONAL_FIELDS = frozenset(
    {
        "contact",
        "contactname",
        "contactperson",
        "email",
        "fullname",
        "headofhousehold",
        "householder",
        "idcard",
        "idno",
        "idnumber",
        "identitynumber",
        "legalperson",
        "legalrepresentative",
        "mobile",
        "ownername",
        "passport",
        "personname",
        "phone",
        "phonenumber",
        "residentname",
        "tel",
        "telephone",
        "wechat",
        "姓名",
        "户主",
        "微信",
        "手机",
        "法人",
        "法定代表人",
        "电话",
        "经办人",
        "联系人",
        "负责人",
        "身份证",
        "证件号",
        "证件号码",
        "邮箱",
    }
)
"""Fields that hold names, phones and identity numbers of people: lower case, without blanks and signs."""

# A field that ends like this is personal whatever comes before it: 联系电话, 户主姓名, owner_phone.
_PERSONAL_SUFFIXES = (
    "姓名",
    "电话",
    "手机",
    "手机号",
    "手机号码",
    "电话号码",
    "身份证",
    "身份证号",
    "身份证号码",
    "phone",
    "phonenumber",
    "mobile",
    "telephone",
    "idcard",
    "idnumber",
)
# The name of such a record is the name of a person.
_PERSON_KINDS = frozenset({"household", "officer", "resident", "person", "户", "居民", "人员"})
_PERSON_NAME_FIELDS = frozenset({"name", "名称", "nlname"})
_SEPARATORS = re.compile(r"[\s_\-.()（）:：]+|\d+$")


def is_personal(field: str, kind: str, extra_fields: Collection[str] = ()) -> bool:
    """Return whether a field of an entity holds a name, phone or identity number of a person.

    Parameters
    ----------
    field
        As the file spells it.
    kind
        Of the entity: the name of a household is a person's, that of an enterprise is not.
    extra_fields
        Further fields that the user calls personal.
    """
    if field in extra_fields:
        return True
    plain = _SEPARATORS.sub("", field.strip().lower())
    return (
        plain in PERSONAL_FIELDS
        or plain.endswith(_PERSONAL_SUFFIXES)
        or (plain in _PERSON_NAME_FIELDS and kind.lower() in _PERSON_KINDS)
    )
