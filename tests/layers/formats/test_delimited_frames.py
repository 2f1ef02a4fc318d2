"""Columns of a delimited text come out as they went in."""

from pathlib import Path

import pandas as pd
import pytest

from layers.formats import read_layer, read_table, write_table


def table_of(tmp_path: Path, text: str) -> tuple[pd.DataFrame, list[str]]:
    path, told = tmp_path / "a.csv", list[str]()
    path.write_text(text)
    return read_table(path, note=told.append), [each.removeprefix(f"{path}: ") for each in told]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["007", "12"], ["007", "12"]),
        (["7", "12"], [7, 12]),
        (["7", "-1.5"], [7.0, -1.5]),
        (["7", ""], [7, None]),
        (["7.5", ""], [7.5, None]),
        (["True", "", "False"], [True, None, False]),
        (["true", "1"], ["true", "1"]),
        (["1e-05", "1.5e+300"], [1e-05, 1.5e300]),
        (["", ""], [None, None]),
        (["9007199254740993", "1"], ["9007199254740993", "1"]),
        (["0.30000000000000004", "1.0"], [0.1 + 0.2, 1.0]),
        (["1e5", "1"], ["1e5", "1"]),
        (["-0", "1"], [0, 1]),
        (['="0011"', "12"], ["0011", "12"]),
        (['"=""110101"""', '="110102"'], ["110101", "110102"]),
        (["'=SUM(A1)", "''=1"], ["=SUM(A1)", "'=1"]),
        (["'tis", "o'clock"], ["'tis", "o'clock"]),
    ],
)
def test_numbers_are_numbers_and_text_is_text(
    tmp_path: Path, column: list[str], values: list[object]
) -> None:
    table, told = table_of(tmp_path, "id,v\n" + "".join(f"x,{value}\n" for value in column))
    found = table["v"].astype(object).where(table["v"].notna(), None).tolist()
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
    assert told == []


def test_columns_without_a_name(tmp_path: Path) -> None:
    table, _ = table_of(tmp_path, "id,,name,name,,\n1,2,a,b,,\n3,,c,d,,\n")
    assert table.columns.tolist() == ["id", "field_2", "name", "name.1"]
    assert table.iloc[0].tolist() == [1, 2, "a", "b"]


def test_codes_that_a_spreadsheet_has_shortened_are_told(tmp_path: Path) -> None:
    table, told = table_of(tmp_path, "id,amount\n1.10101E+14,1.5E+03\n4.40305E+14,2\n")
    assert table["id"].tolist() == ["1.10101E+14", "4.40305E+14"]
    (sentence,) = told
    assert "'id' has values such as 1.10101E+14, which a spreadsheet made of longer numbers" in sentence


def test_a_table_comes_back_whatever_its_headings_and_texts_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    texts = ["=SUM(A1)", "'=SUM(A1)", "+1+cmd", "@x", "-a", "\t=1", "plain", "-5 m", "＝1"]
    wrote = pd.DataFrame({"id": range(len(texts)), "=name": texts, "'@b": texts, "c": pd.Categorical(texts)})
    write_table(path, wrote)
    raw = path.read_bytes().decode()
    assert raw.startswith("id,'=name,''@b,c\n0,'=SUM(A1),'=SUM(A1),'=SUM(A1)\n1,''=SUM(A1),")
    read = read_table(path)
    assert read.columns.tolist() == wrote.columns.tolist()
    assert read.astype(str).to_numpy().tolist() == wrote.astype(str).to_numpy().tolist()


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,name,lon,lat\n1,Łódź,19.4,51.7\n".encode("cp1250"))
    assert read_layer(path, role="entities", encoding="cp1250")["name"].tolist() == ["Łódź"]
    assert read_table(path, encoding="windows-1250")["name"].tolist() == ["Łódź"]
