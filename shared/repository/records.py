"""Records and their hashes: one canonical text for equal content.

The text of a record is JSON with sorted keys, without spaces. `volatile` sorts after every other key, so a
record's hash is taken over the text as if it ended before it.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from shared.errors import Corrupt

type Json = dict[str, Any]
type RemovalReason = Literal["softDeleted", "hardDeleted", "unknown"]
type Holds = Literal["objects", "links"]

REMOVAL_REASONS = ("softDeleted", "hardDeleted", "unknown")


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """An object as captured; `volatile` holds the properties that are no part of its identity in time."""

    object_type: str
    object_id: str
    body: Json
    volatile: Json
    hash16: bytes


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link as captured."""

    source_type: str
    source_id: str
    link: str
    target_id: str
    target_type: str


def canonical(value: object) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def id16(object_id: str) -> bytes:
    """The key of an object in sidecars: 16 bytes."""
    return hashlib.sha256(object_id.encode()).digest()[:16]


def link16(link: str, target_id: str) -> bytes:
    """The key of a link among its source's links: 16 bytes."""
    return hashlib.sha256(f"{link}\0{target_id}".encode()).digest()[:16]


def object_text(object_type: str, object_id: str, body: Json) -> bytes:
    """The hashed text of an object's record; the line on disk may go on with `volatile`."""
    return b'{"body":%b,"id":%b,"kind":"object","type":%b}' % (
        canonical(body),
        orjson.dumps(object_id),
        orjson.dumps(object_type),
    )


def object_hash16(object_type: str, object_id: str, body: Json) -> bytes:
    """What a sidecar would hold for this object: for telling whether a fresh read differs from a stored
    one."""
    return hashlib.sha256(object_text(object_type, object_id, body)).digest()[:16]


def parse_object(line: bytes) -> ObjectRecord:
    """An object's record from its line, its hash computed from the text; Corrupt if it is none."""
    record = parse(line)
    volatile = record.pop("volatile", None)
    text = line if volatile is None else canonical(record)
    try:
        return ObjectRecord(
            record["type"], record["id"], record["body"], volatile or {}, hashlib.sha256(text).digest()[:16]
        )
    except KeyError as error:
        raise Corrupt(f"a record has no {error}") from None


def parse_link(line: bytes) -> LinkRecord:
    """A link's record from its line; Corrupt if it is none."""
    record = parse(line)
    try:
        return LinkRecord(record["type"], record["id"], record["link"], record["target"], record["targetType"])
    except KeyError as error:
        raise Corrupt(f"a link's record has no {error}") from None


def parse(line: bytes) -> Json:
    """Any record from its line; Corrupt if it is no JSON object."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Corrupt("a record is not JSON") from error
    if not isinstance(record, dict):
        raise Corrupt("a record is not a JSON object")
    return record
