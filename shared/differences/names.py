"""The names of objects that changes mention by id: both ends of a link, and what a policy refers to.

The newer state is asked first, then the older one. Frames are opened in the order in which they lie, so that each is
opened once however many names are wanted of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from shared.catalog import OBJECT_TYPES
from shared.catalog.paths import steps, values
from shared.catalog.row import ObjectType, Reference
from shared.recovery.difference import Change, named
from shared.recovery.relink import GUID
from shared.repository.records import ObjectRecord, id16
from shared.repository.restore_point import RestorePoint

BATCH = 5_000
MOST_KNOWN = 200_000
"""Names kept at a time, some 50 MB."""

DIRECTORY_OBJECTS = (
    "user", "group", "servicePrincipal", "application", "device", "administrativeUnit", "directoryRole",
    "unifiedRoleDefinition",
)
"""Where an id of an unknown type is looked for."""

BETWEEN = " · "
"""Stands between the names of those that an object joins, where it has no name of its own."""


class Names:
    """Names found so far, of two states."""

    def __init__(self, newer: RestorePoint, older: RestorePoint) -> None:
        self._states = (newer, older)
        self._known: dict[str, tuple[str, str]] = {}
        self._others: dict[tuple[str, str], dict[str, str]] = {}

    def add(self, object_id: str, object_type: str, name: str) -> None:
        """Remember a name that is at hand anyway."""
        self._known[object_id] = (object_type, name)

    async def filled(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with the names of all that they mention."""
        await self._load((change.object_type, change.object_id) for change in changes if change.link)
        await self._load((change.target_type, change.target_id) for change in changes if change.link)
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        nameless = [change for change in changes if change.about and not change.object_name]
        await self._load(("", one) for change in nameless for one in change.about)
        found = []
        for change in changes:
            if change.about and not change.object_name:
                change = self._by_holders(change)
            if change.link:
                kind, target = self._known.get(change.target_id, (change.target_type, ""))
                _, source = self._known.get(change.object_id, ("", ""))
                change = replace(
                    change, object_name=change.object_name or source, target_name=target, target_type=kind
                )
            elif change.attribute:
                change = replace(change, references={**change.references, **await self._references(change)})
            found.append(change)
        return found

    def _by_holders(self, change: Change) -> Change:
        """An object without a name of its own (a role assignment, a grant) goes by those that it joins."""
        names = {one: self._known[one][1] for one in change.about if one in self._known and self._known[one][1]}
        return replace(change, object_name=BETWEEN.join(names.values()), references=names)

    async def of(self, object_type: str, object_ids: Iterable[str]) -> dict[str, str]:
        """Names of these objects, by id."""
        wanted = list(object_ids)
        await self._load((object_type, object_id) for object_id in wanted)
        return {one: self._known[one][1] for one in wanted if one in self._known}

    async def _references(self, change: Change) -> Mapping[str, str]:
        row = OBJECT_TYPES[change.object_type]
        shown: dict[str, str] = {}
        for reference in row.references:
            if steps(reference.property)[0].removesuffix("[]") != change.attribute:
                continue
            mentioned = {
                text for value in (change.old_value, change.new_value)
                for text in _mentioned({change.attribute: value}, reference)
            }
            if reference.by == "id":
                for target in (reference.target, *reference.alternatives):
                    left = mentioned - shown.keys()
                    shown |= {one: name for one, name in (await self.of(target, left)).items() if name}
            elif mentioned:
                by = await self._named_by(reference.target, reference.by)
                shown |= {one: by[one] for one in mentioned if one in by}
        return shown

    async def _named_by(self, object_type: str, by: str) -> Mapping[str, str]:
        """Names by another property than the id; the type is read once, and only where something asks."""
        key = (object_type, by)
        if key not in self._others:
            row, found = OBJECT_TYPES[object_type], dict[str, str]()
            for state in reversed(self._states):
                if object_type in state.manifest.types:
                    async for batch in state.view(object_type).object_batches():
                        found |= {str(one.body[by]): named(row, one.body) for one in batch if one.body.get(by)}
            self._others[key] = found
        return self._others[key]

    async def _load(self, wanted: Iterable[tuple[str, str]]) -> None:
        by_type: dict[str, set[str]] = {}
        for object_type, object_id in wanted:
            if object_id not in self._known:
                by_type.setdefault(object_type if object_type in OBJECT_TYPES else "", set()).add(object_id)
        for object_type, ids in by_type.items():
            for name in (object_type,) if object_type else DIRECTORY_OBJECTS:
                for state in self._states:
                    await self._read(state, OBJECT_TYPES[name], ids)

    async def _read(self, state: RestorePoint, row: ObjectType, ids: set[str]) -> None:
        left = ids - self._known.keys()
        if not left or row.name not in state.manifest.types:
            return
        view = state.view(row.name)
        winners = await view.winners_of("objects", {id16(object_id) for object_id in left})
        order = np.lexsort((winners.places(), winners.segments))
        for at in range(0, len(order), BATCH):
            records: list[ObjectRecord] = await view.read_objects(winners.only(order[at : at + BATCH]))
            self._known |= {one.object_id: (row.name, named(row, one.body)) for one in records}


def _mentioned(body: Mapping[str, object], reference: Reference) -> Iterator[str]:
    for value in values(body, reference.property):
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str) or text in reference.words:
                continue
            if reference.inside_text:
                yield from GUID.findall(text)
            else:
                yield text
