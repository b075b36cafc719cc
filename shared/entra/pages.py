"""A page of objects taken apart: bodies, links and removals.

Pure, for a worker thread. Kept in a body: `@odata.type`, which says the subtype and has to be sent back, also inside
nested objects, where it is a fact of its own. Left out, being about the answer and not about the object: every other
annotation at any depth (`@odata.id`, `@odata.context`, `@odata.etag`, `@odata.count`, `manager@odata.type` of a null
and the like), and `@removed`. Inline links (`members@delta`, expanded `owners`) leave the body and become links.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.entra.absent import fill_absent
from shared.errors import Garbled

EXPANDED_MAX = 20
"""Graph cuts an expanded directory relationship here, without a nextLink ("Use query parameters", known issues)."""

TYPE = "@odata.type"
TYPE_PREFIX = "#microsoft.graph."
DELTA_SUFFIX = "@delta"

Body = dict[str, Any]

PLAIN = frozenset({str, int, float, bool, type(None)})
"""What JSON has besides objects and lists: most of every body, and handed on without a look inside."""


@dataclass(frozen=True, slots=True)
class Target:
    """One end of a link."""

    id: str
    type: str = ""
    """The target's type in Microsoft's schema without namespace, if Graph said it."""
    body: Body | None = field(default=None, repr=False)
    """What Graph showed beyond id and type; None if nothing."""


@dataclass(frozen=True, slots=True)
class LinkSlice:
    """Targets that were added to and removed from one object's link, in the order in which they are to be applied."""

    source: str
    link: str
    added: tuple[Target, ...] = ()
    removed: tuple[str, ...] = ()
    whole: bool = False
    """The set begins anew here: what was known of this link before is void. Later slices without it go on from here."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An object that left the collection."""

    id: str
    reason: Literal["changed", "deleted"]
    """`changed` is the recycle bin, `deleted` is gone for good ("Use delta query to track changes")."""


@dataclass(slots=True)
class Parsed:
    """What one page holds."""

    objects: list[tuple[str, Body]] = field(default_factory=list)
    """(key, body); in delta an object may come several times, the last one wins."""
    links: list[LinkSlice] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    cut: list[tuple[str, str]] = field(default_factory=list)
    """(key, link) of expanded links that show 20, or were not expanded at all: to be read by their own address."""


def parse_page(
    values: list[Body], *, key: str = "id", links: Collection[str] = (), expanded: Collection[str] = (),
    select: Collection[str] = (), beside: Mapping[str, Body] | None = None, annotations: int | None = None,
) -> Parsed:
    """Objects, links and removals of a page's `value`, in its order; Garbled if an object has no key.

    `links` stand inline as `{name}@delta`, `expanded` ones under their own name. What was selected and is absent is
    filled in, so that lists and delta give one body. `beside` holds what was read by single requests, by key, and
    becomes part of the body. `annotations` is how many the values hold at any depth, where that was counted.
    """
    parsed = Parsed()
    removed_last: dict[str, Removal] = {}
    dropped = frozenset((*links, *expanded))
    within = [(link, link + DELTA_SUFFIX) for link in links]
    shapes = _shapes(values, dropped, frozenset(select))
    # Where all of them stand at the top, nothing below needs a look: most of the cost of a page.
    shallow = annotations == sum(len(shape.annotated) for shape in shapes)
    for value, shape in zip(values, shapes, strict=True):
        identity = value.get(key)
        if not isinstance(identity, str) or not identity:
            raise Garbled(f"an object of the page has no {key!r}", code="noKey")
        removed = value.get("@removed")
        if isinstance(removed, dict):
            reason = removed.get("reason")
            removed_last[identity] = Removal(identity, "changed" if reason == "changed" else "deleted")
            continue
        removed_last.pop(identity, None)  # gone and back within one page is not gone
        inline = [(link, value[name]) for link, name in within if isinstance(value.get(name), list)] if within else ()
        if inline:
            parsed.links += [_delta_slice(identity, link, shown) for link, shown in inline]
        for link in expanded:
            if link in value:
                _expanded(parsed, identity, link, value[link])
            else:
                parsed.cut.append((identity, link))  # a list that was not expanded is unknown, not empty
        body = _without(value, shape.annotated, dropped) if shallow else body_of(value, dropped)
        if inline and is_links_only(value, key):
            continue  # a further slice of a large link, or a change of links alone: it says nothing of the object
        if shape.absent:
            fill_absent(body, shape.absent)
        if beside and identity in beside:
            body.update(beside[identity])
        parsed.objects.append((identity, body))
    if removed_last:
        parsed.objects = [one for one in parsed.objects if one[0] not in removed_last]
        parsed.links = [one for one in parsed.links if one.source not in removed_last]
        parsed.removals = list(removed_last.values())
    return parsed


def is_links_only(value: Body, key: str = "id") -> bool:
    """Whether a delta entry speaks of links alone, or of a removal, and so shows no object."""
    return "@removed" in value or all(name == key or "@" in name for name in value)


def body_of(value: Body, without: Collection[str] = ()) -> Body:
    """The object as data: no annotations but `@odata.type`, none of the links named in `without`."""
    return {
        name: part if type(part) in PLAIN else _kept(part)
        for name, part in value.items()
        if ("@" not in name or name == TYPE) and name not in without
    }


def targets_of(values: list[Body]) -> tuple[Target, ...]:
    """The targets that a link's page lists; Garbled if one has no id."""
    return tuple(_target(value) for value in values)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What follows from an object's names alone; most objects of a page have the same names in the same order."""

    annotated: tuple[str, ...]
    """Its own annotations, save its type."""
    absent: tuple[str, ...]
    """What was selected and will not be in its body."""


def _shapes(values: list[Body], dropped: frozenset[str], selected: frozenset[str]) -> list[_Shape]:
    known: dict[tuple[str, ...], _Shape] = {}
    shapes = []
    for value in values:
        names = tuple(value)
        shape = known.get(names)
        if shape is None:
            annotated = tuple(name for name in names if "@" in name and name != TYPE)
            absent = selected.difference(frozenset(names).difference(annotated, dropped))
            shape = known[names] = _Shape(annotated, tuple(absent))
        shapes.append(shape)
    return shapes


def _without(value: Body, annotated: tuple[str, ...], dropped: frozenset[str]) -> Body:
    body = dict(value)
    for name in annotated:
        del body[name]
    for name in dropped:
        body.pop(name, None)
    return body


def _kept(part: Any) -> Any:
    if isinstance(part, dict):
        for name, inner in part.items():
            if "@" in name or type(inner) not in PLAIN:
                return body_of(part)
        return part
    if isinstance(part, list):
        # Lists of plain texts are most of a body: they are handed on as they are.
        return [_kept(inner) for inner in part] if part and isinstance(part[0], (dict, list)) else part
    return part


def _delta_slice(source: str, link: str, inline: list[Body]) -> LinkSlice:
    if not all(isinstance(entry, dict) for entry in inline):
        raise Garbled(f"{link!r} of an object shows something that is no object", code="noKey")
    removed = tuple(_target(entry).id for entry in inline if "@removed" in entry)
    return LinkSlice(source, link, tuple(_target(entry) for entry in inline if "@removed" not in entry), removed)


def _expanded(parsed: Parsed, source: str, link: str, shown: Any) -> None:
    targets = targets_of(shown if isinstance(shown, list) else [] if shown is None else [shown])
    if isinstance(shown, list) and len(targets) >= EXPANDED_MAX:
        parsed.cut.append((source, link))
    else:
        parsed.links.append(LinkSlice(source, link, targets, whole=True))


def _target(entry: Body) -> Target:
    identity = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(identity, str) or not identity:
        raise Garbled("a link's target has no id", code="noKey")
    shown = entry.get(TYPE)
    # Most entries are an id and a type: a tenant has more links than objects, so they are not taken apart further.
    body = None if len(entry) == (1 if shown is None else 2) else body_of(entry, ("id", TYPE))
    return Target(identity, shown.removeprefix(TYPE_PREFIX) if isinstance(shown, str) else "", body or None)
