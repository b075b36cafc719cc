"""Where a word ends: one set of characters for rows in memory (`re`) and for the index (RE2).

Written as ranges, since a class of all letters of all scripts costs RE2 milliseconds for each file of the index.
Whatever is not listed belongs to a word: letters, digits, `_`, the vowel signs of Indic scripts.
"""

import re

SEPARATORS = (
    "\\x00-/:-@\\[-^`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    "\u05be\u05f3\u05f4\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff"
    "\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff01-\uff0f\uff1a-\uff20\U0001f000-\U0001faff"
)
"""The inside of a character class: what is no part of a word in ASCII and Latin-1, the punctuation of Hebrew, Arabic,
Devanagari and East Asian text, general punctuation, currencies, arrows, symbols and pictographs."""

_SEPARATOR = re.compile(f"[{SEPARATORS}]")


def separates(character: str) -> bool:
    """Whether a word ends before this character."""
    return _SEPARATOR.match(character) is not None
