"""One object through time, without unpacking: its distinct versions over all restore points, from sidecars alone.

A version is the object's hash together with its links, so a group whose members changed has a new one. Restore points
share most layers; what a list of layers says of one object is worked out once and built upon. An object's ids follow
each other where it was re-created (`aliases`), newest last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.browse.remembered import Remembered
from shared.errors import Missing, UnknownRecord
from shared.repository.chain import manifest_numbers, read_manifest
from shared.repository.frame_reader import FrameReader
from shared.repository.manifest import Layer, Manifest, SegmentRef
from shared.repository.records import id16, parse
from shared.repository.sidecar import CUT, OFFSET_SHIFT, REMOVED, SUPERSEDED
from shared.repository.sidecar_reader import SidecarReader
from shared.repository.store import BlobStore, at_once

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class State:
    """An object in one restore point; `digest` is None where it is not there, `removed` then says how it went."""

    digest: bytes | None = None
    links: frozenset[bytes] = frozenset()
    removed: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One restore point and what it has of the object."""

    backup_id: str
    kind: str
    started: datetime
    state: State
    object_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch of restore points in which the object did not change."""

    change: Literal["created", "changed", "deleted", "recreated"]
    first: Seen
    last: Seen
    attributes_changed: bool
    links_changed: bool


class History:
    """The past of objects of one tenant, as its restore points have it."""

    def __init__(self, vault: BlobStore, tenant_id: str) -> None:
        self._vault, self._tenant_id = vault, tenant_id
        self._manifests: list[Manifest] | None = None

    async def manifests(self) -> list[Manifest]:
        """Every restore point, oldest first; one that expires meanwhile is left out."""
        if self._manifests is None:
            numbers = await manifest_numbers(self._vault, self._tenant_id)
            found = await at_once((self._manifest(number) for number in numbers), _AT_ONCE)
            self._manifests = [one for one in found if one is not None]
        return self._manifests

    async def type_of(self, object_id: str) -> str:
        """The type under which any restore point knows the id, the newest first; UnknownRecord if none does."""
        looked_at: set[str] = set()
        key = id16(object_id)
        for manifest in reversed(await self.manifests()):
            unseen = [
                (name, segment)
                for name, entry in manifest.types.items() for layer in entry.layers for segment in layer.objects
                if segment.sha256 not in looked_at
            ]
            looked_at |= {segment.sha256 for _, segment in unseen}
            unseen.sort(key=lambda one: one[0] not in ("user", "group", "servicePrincipal", "application", "device"))
            counts = await at_once(self._holds(segment, key) for _, segment in unseen)
            found = next((name for (name, _), held in zip(unseen, counts, strict=True) if held), None)
            if found is not None:
                return found
        raise UnknownRecord("No restore point of this tenant holds such an object.")

    async def seen(self, object_type: str, object_ids: Sequence[str]) -> list[Seen]:
        """What each restore point has of the object, oldest first; the newest of its ids that is there counts."""
        states = [_States(self._vault, self._tenant_id, object_id) for object_id in object_ids]
        found: list[Seen] = []
        last = len(states) - 1
        for manifest in await self.manifests():
            entry = manifest.types.get(object_type)
            if entry is None or not entry.layers:
                continue  # the type was not read: that says nothing about the object
            each = [await one.of(entry.layers) for one in states]
            place = next((n for n in reversed(range(len(each))) if each[n].digest), None)
            if place is None:  # how it went is told by the id that it had last
                removed = [n for n in reversed(range(len(each))) if each[n].removed]
                place = last if last in removed else removed[0] if removed else last
            last = place
            found.append(Seen(manifest.backup_id, manifest.kind, manifest.started, each[place], object_ids[place]))
        return found

    async def _manifest(self, number: int) -> Manifest | None:
        known = self._vault.manifests if isinstance(self._vault, Remembered) else {}
        key = self._tenant_id, number
        try:
            if key not in known:
                known[key] = await read_manifest(self._vault, self._tenant_id, number)
            return known[key]
        except Missing:
            return None

    async def _holds(self, segment: SegmentRef, key: bytes) -> int:
        return len(await SidecarReader(self._vault, self._tenant_id, segment).entries_of([key]))


def events_of(seen: Sequence[Seen]) -> list[Event]:
    """The stretches of a past, oldest first; before its first appearance there is none."""
    events: list[Event] = []
    for one in seen:
        if not events:
            if one.state.digest is not None:
                events.append(Event("created", one, one, attributes_changed=True, links_changed=bool(one.state.links)))
            continue
        last = events[-1]
        before = last.last.state
        gone, was_gone = one.state.digest is None, before.digest is None
        attributes = one.state.digest != before.digest
        links = one.state.links != before.links
        if (gone and was_gone) or not (attributes or links):
            events[-1] = Event(last.change, last.first, one, last.attributes_changed, last.links_changed)
        else:
            change: Literal["deleted", "recreated", "changed"] = (
                "deleted" if gone else "recreated" if was_gone else "changed"
            )
            events.append(Event(change, one, one, attributes_changed=attributes, links_changed=links))
    return events


class _States:
    """What lists of layers say of one object; each list builds on the one that it continues."""

    def __init__(self, vault: BlobStore, tenant_id: str, object_id: str) -> None:
        self._vault, self._tenant_id, self._key = vault, tenant_id, id16(object_id)
        self._object_id = object_id
        self._known: dict[tuple[Layer, ...], State] = {(): State()}

    async def of(self, layers: tuple[Layer, ...]) -> State:
        """The object as these layers have it."""
        start = len(layers)
        while layers[:start] not in self._known:
            start -= 1
        for length in range(start + 1, len(layers) + 1):
            self._known[layers[:length]] = await self._with(self._known[layers[: length - 1]], layers[length - 1])
        return self._known[layers]

    async def _with(self, before: State, layer: Layer) -> State:
        """What one more layer makes of a state: later entries win, a removal hides the links of before."""
        objects = await at_once(self._entries(segment) for segment in layer.objects)
        links = await at_once(self._entries(segment) for segment in layer.links)
        digest, removed, kept = before.digest, before.removed, set(before.links)
        for segment, entries in zip(layer.objects, objects, strict=True):
            for content, frame, bits in entries:
                if bits & CUT:
                    kept.clear()
                if bits & REMOVED:
                    digest, removed = None, await self._reason(segment, frame, bits >> OFFSET_SHIFT)
                else:
                    digest, removed = content, ""
        if digest is not None:
            for entries in links:
                for content, _, bits in entries:
                    if bits & REMOVED:
                        kept.discard(content)
                    elif not bits & SUPERSEDED:
                        kept.add(content)
        return State(digest, frozenset(kept) if digest is not None else frozenset(), removed)

    async def _entries(self, segment: SegmentRef) -> list[tuple[bytes, int, int]]:
        found = await SidecarReader(self._vault, self._tenant_id, segment).entries_of([self._key])
        return [
            (entry.tobytes()[16:32], int(entry["frame"]), int(entry["bits"])) for entry in found
        ]

    async def _reason(self, segment: SegmentRef, frame: int, offset: int) -> str:
        reader = FrameReader(self._vault, self._tenant_id, SidecarReader(self._vault, self._tenant_id, segment))
        line = (await reader.lines_at([(frame, offset)], parse))[frame, offset]
        return str(line.get("reason") or "unknown")
