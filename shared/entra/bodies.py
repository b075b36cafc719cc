"""The body of an answer: inflated, parsed, and its next link found before either.

All of it is pure and safe in a worker thread. A body that is cut short, is not JSON or inflates beyond the limit is
Garbled, so that the transport reads it again; nothing here ever returns a part of a page as if it were the page.
"""

import re
import zlib
from typing import Any

import orjson

from shared.errors import Garbled

INFLATED_BYTES_MAX = 192 * 1024 * 1024
"""A page of 999 users with every property is some 10 MB; what inflates beyond this is no page."""

HEAD_BYTES = 8 * 1024
"""Graph writes nextLink before `value`, so it stands in the first few kilobytes, long as skip tokens are."""

_HEAD_LINK = re.compile(rb'"@odata\.(?:nextLink|nextlink)"\s*:\s*("(?:[^"\\]|\\.)*")')
_VALUE = re.compile(rb'"value"\s*:\s*\[')
_ANNOTATED = re.compile(rb'@[^"]*"\s*:')
_TYPE_NAME = b'@odata.type":'
_TYPED = b'"' + _TYPE_NAME
_ESCAPED_AT = b"\\u0040"


def inflate(body: bytes, encoding: str) -> bytes:
    """The body as it was before compression; Garbled if it is cut short or too large."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Garbled(f"the answer is encoded as {encoding[:20]!r}, which was not asked for", code="encoding")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        inflated = unpacker.decompress(body, INFLATED_BYTES_MAX)
    except zlib.error:
        raise Garbled("the answer's compression is damaged", code="encoding") from None
    if not unpacker.eof:
        size = "larger than a page can be" if unpacker.unconsumed_tail else "cut short"
        raise Garbled(f"the compressed answer is {size}", code="encoding")
    return inflated


def next_link_in_head(body: bytes, encoding: str) -> str:
    """nextLink if it stands before `value` in the first kilobytes, else empty: then only a whole parse can tell."""
    try:
        head = body[:HEAD_BYTES] if encoding in ("", "identity") else _inflated_head(body)
        values = _VALUE.search(head)
        found = _HEAD_LINK.search(head, 0, values.start() if values else 0)
        return str(orjson.loads(found.group(1))) if found else ""
    except (ValueError, zlib.error):
        return ""


def document(body: bytes, encoding: str) -> dict[str, Any]:
    """The body's JSON object; Garbled if it is anything else."""
    return _document(inflate(body, encoding))


def page_document(body: bytes, encoding: str) -> tuple[dict[str, Any], int]:
    """The JSON object of a page, and how many annotations its values hold; Garbled if it has no `value` that is a list
    of objects."""
    text = inflate(body, encoding)
    page = _document(text)
    values = page.get("value")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Garbled("the page has no `value` that is a list of objects", code="noValue")
    own = sum("@" in name and name != "@odata.type" for name in page)
    return page, annotations_in(text) - own


def _document(text: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Garbled("the answer is not JSON, or is cut short", code="notJson") from None
    if not isinstance(parsed, dict):
        raise Garbled("the answer is not a JSON object", code="notJson")
    if is_error(parsed):
        raise Garbled("the answer is an error under a status that says success", code="errorAsAnswer")
    return parsed


def is_error(parsed: dict[str, Any]) -> bool:
    """Whether the body is Graph's form of an error and nothing else, whatever status it came under."""
    return len(parsed) == 1 and isinstance(parsed.get("error"), dict)


def annotations_in(text: bytes) -> int:
    """How many members of the JSON text are annotations, at any depth, save types (`@odata.type`), which are kept.

    Counted in the text, which is far cheaper than a look at every part of every object; -1 where a name may be written
    in another way, so that the text cannot tell. A text that looks like a name is counted too: then every part is
    looked at.
    """
    if b"\\" in text and _ESCAPED_AT in text:  # to look for one byte takes a tenth of the time
        return -1
    found = _ANNOTATED.findall(text)
    return len(found) - (text.count(_TYPED) if _TYPE_NAME in found else 0)


def _inflated_head(body: bytes) -> bytes:
    return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body[: HEAD_BYTES * 2], HEAD_BYTES)
