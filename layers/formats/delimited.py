"""Delimited text (CSV) as records: its encoding, delimiter, columns, and what is wrong with it."""

import csv
import io
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gis.errors import InputError
from gis.progress import Note, no_note
from layers.formats.encoding import TextEncoding, detect_encoding, named_encoding, unicode_encoding
from layers.formats.formulas import restore_formula

# Of several that fit equally well the first: commas also stand in texts and numbers.
_DELIMITERS = "\t;|,"
_SAMPLE_LINES = 20
_BLOCK_BYTES = 1 << 20
# Excel reads the delimiter of the other lines from such a first one.
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*(?:"|$)')
# What a spreadsheet writes to keep the zeros of 0011.
_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
# How Excel's two formats begin, and any zip.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")

# A polygon as WKT is longer than the 128 KiB that the module allows.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class DelimitedText:
    """A text of records, which can be walked any number of times.

    Attributes
    ----------
    name
        What messages call it: a path, or "The CSV".
    source
        The file, or the text itself.
    encoding
        Of the text.
    delimiter
        Between the fields.
    first_line
        Number of lines before the header.
    header
        The columns as they are written, without blanks around them; one without a name is "".
    """

    name: str
    source: Path | bytes
    encoding: TextEncoding
    delimiter: str
    first_line: int
    header: tuple[str, ...]

    def records(self) -> Iterator[list[str]]:
        """Yield the fields of each record as they are written, as many as there are columns.

        Blank lines are no records. Fields that a short record lacks are "".

        Raises
        ------
        InputError
            If a record has more fields than there are columns, a quotation mark is not closed or takes in
            other records, or text is in another encoding.
        """
        width = len(self.header)
        with closing(_text_lines(self.source, self.encoding)) as lines:
            rows = csv.reader(islice(lines, self.first_line, None), delimiter=self.delimiter, strict=True)
            number, line = 0, self.first_line
            try:
                next(rows)
                line += rows.line_num
                for row in rows:
                    before, line = line, self.first_line + rows.line_num
                    if len(row) < 2 and (not row or (width > 1 and not row[0].strip())):
                        continue
                    number += 1
                    if line - before > 1:
                        self._require_own_lines(row, number, before + 1, line)
                    yield row if len(row) == width else self._fit(row, number, before + 1)
            except csv.Error as error:
                last = self.first_line + rows.line_num
                raise InputError(self._quote_message(error, number + 1, line + 1, last)) from error
            except UnicodeDecodeError as error:
                raise InputError(_encoding_message(self.name, self.source, self.encoding)) from error

    def _fit(self, row: list[str], number: int, line: int) -> list[str]:
        """Return a record with as many fields as there are columns."""
        width = len(self.header)
        if any(field.strip() for field in row[width:]):
            hint = "; numbers with a decimal comma must be quoted" if self.delimiter == "," else ""
            raise InputError(
                f"{self.name}: record {number} (line {line}) has {len(row)} fields, more than the header, "
                f"which has {width}{hint}."
            )
        return row[:width] + [""] * (width - len(row))

    def _require_own_lines(self, row: Sequence[str], number: int, line: int, last: int) -> None:
        """Refuse a record with a field whose lines are records themselves."""
        for place, field in enumerate(row):
            if "\n" not in field and "\r" not in field:
                continue
            first, *others = (part.split(self.delimiter) for part in field.splitlines())
            held = [[*row[:place], *first], *others]
            held[-1] = [*held[-1], *row[place + 1 :]]
            numeric = set.intersection(
                *({at for at, part in enumerate(each) if _NUMBER.fullmatch(part.strip())} for each in held)
            )
            if numeric and {len(each) for each in held} == {len(self.header)}:
                raise InputError(
                    f"{self.name}: record {number} (line {line}) opens a quotation mark that takes in the "
                    f"records up to line {last}; close it, or write it twice if it belongs to the text."
                )

    def _quote_message(self, error: csv.Error, number: int, line: int, last: int) -> str:
        place = f"{self.name}: record {number} (line {line})" if number else f"{self.name}: the header"
        if "unexpected end" in str(error):
            return f"{place} opens a quotation mark that is never closed; close it, or write it twice."
        if last > line:
            return f"{place} opens a quotation mark that reaches to line {last}; close it, or write it twice."
        if "expected after" in str(error):
            return (
                f"{place} has text after a closing quotation mark; close the quotation before the delimiter, "
                "or write the mark twice if it belongs to the text."
            )
        return f"{place} cannot be read as CSV: {error}."


def open_delimited(
    source: Path | bytes, name: str, *, encoding: str | None = None, note: Note = no_note
) -> DelimitedText:
    """Open a delimited text.

    Parameters
    ----------
    source
        The file, or the text itself.
    name
        What messages call it.
    encoding
        The encoding of the text; found by its bytes when not given.
    note
        Called with a sentence about what was assumed.

    Raises
    ------
    InputError
        If the encoding is unknown, it is no text, or there is no header.
    """
    found = _find_encoding(source, name) if encoding is None else named_encoding(encoding)
    if assumed := found.note(name):
        note(assumed)
    try:
        with closing(_text_lines(source, found)) as lines:
            sample = list(islice(lines, _SAMPLE_LINES))
    except UnicodeDecodeError as error:
        raise InputError(_encoding_message(name, source, found)) from error
    named = _DELIMITER_LINE.fullmatch(sample[0]) if sample else None
    first_line = 1 if named else 0
    if not sample[first_line:] or not sample[first_line].strip():
        raise InputError(f"{name} begins with a blank line; the first line must name the columns.")
    delimiter = named[1] if named else _find_delimiter(sample)
    text = DelimitedText(name, source, found, delimiter, first_line, ())
    with closing(_text_lines(source, found)) as lines:
        try:
            header = next(csv.reader(islice(lines, first_line, None), delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise InputError(text._quote_message(error, 0, 1, 1)) from error
    return replace(text, header=tuple(restore_text(" ".join(field.split())) for field in header))


def restore_text(field: str) -> str:
    """Return the text that a spreadsheet or a guard against formulas has wrapped."""
    if field[:1] == "'":
        return restore_formula(field)
    if field[:1] == "=" and (found := _TEXT_FORMULA.fullmatch(field)):
        return found[1].replace('""', '"')
    return field


def _find_encoding(source: Path | bytes, name: str) -> TextEncoding:
    with _open_bytes(source) as file:
        head = file.read(4096)
        if head.startswith(_WORKBOOKS):
            raise InputError(f"{name} is a workbook or an archive and not text; save its sheet as CSV.")
        codec = unicode_encoding(head)
        if codec is not None:
            return TextEncoding(codec)
        file.seek(0)
        return detect_encoding(_line_blocks(file))


def _line_blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block + file.readline()


def _find_delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter that divides the most lines into as many fields as the header, at least two."""
    # Headings may have line breaks too.
    lines = [line for line in _QUOTED.sub("", "".join(sample)).splitlines() if line.strip()] or [""]

    def count(delimiter: str) -> tuple[bool, int, int]:
        columns = lines[0].count(delimiter)
        return columns > 0, sum(line.count(delimiter) == columns for line in lines), columns

    return max(_DELIMITERS, key=count)


def _open_bytes(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _text_lines(source: Path | bytes, encoding: TextEncoding) -> Generator[str, None, None]:
    """Yield the lines of a text with their ends, without its byte order marks; some programs write two."""
    with io.TextIOWrapper(_open_bytes(source), encoding=encoding.codec, newline="") as text:
        yield text.readline().lstrip("\ufeff")
        yield from text


def _encoding_message(name: str, source: Path | bytes, encoding: TextEncoding) -> str:
    with _open_bytes(source) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding.codec)
            except UnicodeDecodeError:
                return (
                    f"{name}: line {number} is not text in {encoding.name}; mend it, or give the encoding of "
                    "the text with --encoding, for example gb18030 or cp1252."
                )
    return f"{name} is not text in {encoding.name}; give its encoding with --encoding."
