"""CSV cells that no spreadsheet takes for a formula: one rule for every table that Cairn exports.

A text whose first visible character could begin a formula gets an apostrophe before it. Looked past are spaces, control
characters and invisible ones, since spreadsheets trim some of them; full-width forms count like their narrow ones.
Source: OWASP, "CSV Injection".
"""

import unicodedata
from typing import Any

import orjson

FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b\t\r\n")
_LOOKED_PAST = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def cell(value: Any) -> str:
    """The value as a cell: nothing for None, numbers as they are, what is no text as JSON, texts made safe."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return f"'{text}" if begins_a_formula(text) else text


def begins_a_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula."""
    for character in text:
        if character in FORMULA:
            return True
        if unicodedata.category(character) not in _LOOKED_PAST:
            return False
    return False
