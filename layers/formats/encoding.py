"""Which encoding a text is in, decided by its bytes, and what the user is told of it."""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gis.errors import InputError

_NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "gb18030": "GB 18030",
    "big5hkscs": "Big5",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    "euc_jp": "EUC-JP",
    "cp1252": "Windows-1252",
    "cp1251": "Windows-1251",
}
# The wider encoding that decodes all of the narrower one, which programs often name instead.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-8-sig": "utf-8",
}
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MIN_NUL_SHARE = 0.1
_UTF8_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[\x80-\xff]"
)
_MIN_UTF8_SHARE = 0.8
_MAX_SAMPLE_BYTES = 256 << 10
# A declared encoding is believed while its text is nearly as plausible as the best.
_DECLARED_SHARE = 0.8
_MIN_SCORE = 0.5
# Korean syllables are also frequent Chinese characters; only many different ones tell.
_MIN_KOREAN_CHARACTERS = 12
_WORD = re.compile(r"[^\W\d_]+")
_DEGREES = re.compile(r"(?<=[\d(\[ nN])°(?=[\dCFNSEW\s)\],;']|$)")
_LATIN_SIGNS = "ºª²³–—‘’“”«»€£§·…±µ×"


@dataclass(frozen=True)
class TextEncoding:
    """The encoding of a text.

    Attributes
    ----------
    codec
        Its name among Python's codecs.
    is_assumed
        Whether the bytes left a choice, so that the user is to be told.
    """

    codec: str
    is_assumed: bool = False

    @property
    def name(self) -> str:
        """The name by which people know it."""
        return _NAMES.get(self.codec, self.codec)

    def note(self, source: object) -> str | None:
        """Return the sentence that tells what was assumed of a file, or None where nothing was."""
        if not self.is_assumed:
            return None
        return (
            f"{source} does not say how its text is encoded and is read as {self.name}; if names look wrong, "
            "give the encoding with --encoding"
        )

    def decode(self, text: bytes) -> str:
        """Decode a value that another program may have cut off within its last character.

        Raises
        ------
        UnicodeDecodeError
            If it is not in this encoding before its end.
        """
        return codecs.getincrementaldecoder(self.codec)().decode(text, final=False)


def named_encoding(name: str) -> TextEncoding:
    """Return the encoding that a user names.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    codec = find_codec(name)
    if codec is None:
        raise InputError(
            f"There is no encoding '{name}'; give for example utf-8, gb18030, big5, shift_jis or cp1252."
        )
    return TextEncoding(codec)


def find_codec(name: str) -> str | None:
    """Return the codec of an encoding as programs write its name (ANSI 936, 65001, ISO-8859-1), or None."""
    text = re.sub(r"^(ansi|windows|ibm|oem|ms|cp)?[\s_-]*(?=\d+$)", "cp", name.strip().lower())
    text = {"cp65001": "utf-8", "cp54936": "gb18030", "cp936": "gb18030"}.get(text, text)
    if re.fullmatch(r"cp8859\d{1,2}", text):
        text = f"iso8859-{text.removeprefix('cp8859')}"
    try:
        info = codecs.lookup(text)
    except (LookupError, ValueError):
        return None
    # Some codecs turn bytes into bytes.
    if not info._is_text_encoding:
        return None
    return _WIDER.get(info.name, info.name)


def detect_encoding(texts: Iterable[bytes], declared: str | None = None) -> TextEncoding:
    """Find the encoding of texts that are all in the same one.

    UTF-8 if all are; else the one whose text is the most plausible among the encodings of Chinese, Japanese,
    Korean, and of Latin and Cyrillic letters. Plausible are characters in frequent use, and words whose
    letters are of one script and whose capitals stand where they may.

    Parameters
    ----------
    texts
        Values, lines or blocks; each may be cut off within its last character.
    declared
        The codec that the file names, from `find_codec`; it is taken if it decodes the texts plausibly.
    """
    sample: list[bytes] = []
    size = 0
    is_utf8 = True
    for text in texts:
        if text.isascii():
            continue
        is_utf8 = is_utf8 and _is_utf8(text)
        lines = iter(text.splitlines(keepends=True) if size < _MAX_SAMPLE_BYTES else ())
        while size < _MAX_SAMPLE_BYTES and (line := next(lines, None)) is not None:
            if not line.isascii():
                sample.append(line)
                size += len(line)
        if not is_utf8 and size >= _MAX_SAMPLE_BYTES:
            break
    lengths = [len(found) for line in sample for found in _UTF8_CHARACTER.findall(line)]
    utf8_share = sum(length > 1 for length in lengths) / max(1, len(lengths))
    # UTF-8 with some damage is still UTF-8: in no other encoding would so much of it be valid by chance.
    if not sample or (is_utf8 and utf8_share > 0) or utf8_share >= _MIN_UTF8_SHARE:
        # A single Chinese character of GB 18030 may be a letter of UTF-8, but hardly one that is a word.
        is_chance = max(lengths, default=0) == 2 and _score(sample, "utf-8") == 0
        if not is_chance or _score(sample, "gb18030") < 1:
            return TextEncoding("utf-8")
    scores = {codec: _score(sample, codec) for codec in _CANDIDATES}
    best = max(scores, key=lambda codec: scores[codec])
    if declared is not None and declared != "utf-8":
        score = scores[declared] if declared in scores else _score(sample, declared)
        if score > 0 and score >= _DECLARED_SHARE * scores[best]:
            return TextEncoding(declared)
    # Rare characters alone are most plausible in the encoding that has them all.
    return TextEncoding(best if scores[best] >= _MIN_SCORE else "gb18030", is_assumed=True)


def unicode_encoding(head: bytes) -> str | None:
    """Return the codec of UTF-16 or UTF-32 by the mark or the zero bytes at the start of a text, or None."""
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return codec
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even + odd < _MIN_NUL_SHARE * len(head) or not head:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _score(sample: Iterable[bytes], codec: str) -> float:
    """Return how plausible texts are in an encoding, from 0 to 1."""
    text = "\n".join(piece.decode(codec, errors="replace") for piece in sample)
    return _CANDIDATES.get(codec, _score_latin)(text)


def _characters(text: str) -> Counter[str]:
    return Counter(character for character in text if not character.isascii())


def _by_character(weigh: Callable[[str], float]) -> Callable[[str], float]:
    """Return the score of a text as the mean weight of its characters beyond ASCII."""

    def score(text: str) -> float:
        counts = _characters(text)
        return sum(weigh(each) * count for each, count in counts.items()) / max(1, counts.total())

    return score


def _row(character: str, codec: str) -> int:
    """Return the first of a character's two bytes in an encoding, 0 if it has no two."""
    encoded = character.encode(codec, errors="ignore")
    return encoded[0] if len(encoded) == 2 else 0


def _weigh_simplified(character: str) -> float:
    row = _row(character, "gb2312")
    if 0xB0 <= row < 0xD8 or 0xA1 <= row <= 0xA3:
        return 1.0
    if 0xA4 <= _row(character, "big5") <= 0xC6 and "\u4e00" <= character <= "\u9fff":
        return 0.6
    return 0.3 if row >= 0xD8 or character > "\uffff" else 0.0


def _weigh_traditional(character: str) -> float:
    row = _row(character, "big5")
    return 1.0 if 0xA1 <= row <= 0xC6 else 0.1 if row else 0.0


def _weigh_japanese(character: str) -> float:
    if "\u3041" <= character <= "\u30ff":
        return 0.95
    row = _row(character, "euc_jp")
    if "\uff61" <= character <= "\uff9f":
        return 0.1
    return 0.95 if 0xB0 <= row < 0xD0 or row in {0xA1, 0xA3} else 0.1 if row else 0.0


def _weigh_korean(character: str) -> float:
    row = _row(character, "euc_kr")
    return 1.0 if 0xB0 <= row <= 0xC8 else 0.1 if row else 0.0


def _score_korean(text: str) -> float:
    share = _by_character(_weigh_korean)(text)
    return share if len(_characters(text)) >= _MIN_KOREAN_CHARACTERS else share / 2


def _score_words(text: str) -> float:
    """Score a text of letters by its words."""
    words = [word for word in _WORD.findall(text) if not word.isascii() and _is_word(word)]
    plausible = sum(not each.isascii() for word in words for each in word)
    return (plausible + len(_DEGREES.findall(text))) / max(1, _characters(text).total())


def _score_latin(text: str) -> float:
    """Score a text of Latin letters, which also has signs."""
    signs = sum(text.count(sign) for sign in _LATIN_SIGNS)
    return _score_words(text) + signs / 2 / max(1, _characters(text).total())


def _is_word(word: str) -> bool:
    """Return whether letters are of one script, in Latin some of ASCII, with capitals where they may be."""
    scripts = {"LATIN" if each.isascii() else unicodedata.name(each, "").split(" ")[0] for each in word}
    if len(scripts) != 1 or scripts == {"CJK"} or len(word) < 2:
        return False
    if scripts == {"LATIN"} and not any(each.isascii() for each in word):
        return False
    return word.isupper() or not any(each.isupper() for each in word[1:])


# Of equal scores the first wins.
_CANDIDATES: dict[str, Callable[[str], float]] = {
    "cp1252": _score_latin,
    "cp949": _score_korean,
    "gb18030": _by_character(_weigh_simplified),
    "cp932": _by_character(_weigh_japanese),
    "euc_jp": _by_character(_weigh_japanese),
    "big5hkscs": _by_character(_weigh_traditional),
    "cp1251": _score_words,
}
