"""Which backup captured each object as a restore point has it: the oldest since which nothing of it changed.

Worked out by comparing restore points on their sidecars, newest first, so that it stays true when layers are compacted
or read anew in full: an object that was only written again was not captured again. A new link, or a lost one, is a new
version of the object that holds it, as in its timeline. Memory follows the objects that changed, not the tenant.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.browse.remembered import remembered
from shared.browse.timeline import History
from shared.records.times import as_text
from shared.repository.comparison import compare
from shared.repository.manifest import Manifest
from shared.repository.records import id16
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

type Origin = tuple[str, str]
"""(backup id, when it started)."""

LOOKED_BACK_SECONDS = 60.0
"""How long one type's past is followed; what is older then counts as captured where that ended."""


@dataclass(frozen=True, slots=True)
class Captures:
    """Who captured the objects of one type: `before` unless `since` says otherwise, by id16."""

    before: Origin
    since: Mapping[bytes, Origin]

    def of(self, object_id: str) -> Origin:
        """The backup that captured this object as it is, or as it last was."""
        return self.since.get(id16(object_id), self.before) if self.since else self.before


@dataclass(slots=True)
class Origins:
    """The captures of one restore point, type by type; the manifests before it are read once."""

    vault: BlobStore
    manifest: Manifest
    seconds: float = LOOKED_BACK_SECONDS
    clock: Callable[[], float] = time.monotonic
    _past: list[Manifest] | None = field(default=None, init=False)

    async def of_type(self, object_type: str) -> Captures:
        """Who captured each object of this type."""
        if self._past is None:
            everything = await History(remembered(self.vault), self.manifest.tenant_id).manifests()
            self._past = [one for one in everything if one.sequence < self.manifest.sequence]
        deadline = self.clock() + self.seconds
        first, layers = self.manifest, self.manifest.types[object_type].layers
        after = self._view(object_type, first)
        found: dict[bytes, Origin] = {}
        for older in reversed(self._past):
            entry = older.types.get(object_type)
            if entry is None or not entry.layers:
                continue  # the type was not read: that says nothing about its objects
            if entry.layers != layers:
                if self.clock() >= deadline:
                    break
                before, layers = self._view(object_type, older), entry.layers
                difference = await compare(before, after)
                gone = frozenset(difference.removed.keys())
                for changed in (
                    difference.added, difference.changed_after, difference.links_added, difference.links_removed
                ):
                    for key in changed.keys():  # noqa: SIM118 - the ids of winners, not of a dict
                        if key not in gone:
                            found.setdefault(key, _origin(first))
                after = before
            first = older
        return Captures(_origin(first), found)

    def _view(self, object_type: str, manifest: Manifest) -> TypeView:
        layers = manifest.types[object_type].layers
        return TypeView(remembered(self.vault), manifest.tenant_id, object_type, layers)


def _origin(manifest: Manifest) -> Origin:
    return manifest.backup_id, as_text(manifest.started)
