"""What a restore point does not hold, the tenant did not show, or no restore writes: told in the plan, never passed
over. Read-only.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.recovery.plan import Finding, NotRestored
from shared.recovery.reading import restored_rows
from shared.recovery.state import Wanted, display_name
from shared.repository.coverage import read_coverage
from shared.repository.manifest import TypeEntry
from shared.repository.restore_point import RestorePoint
from shared.repository.store import BlobStore

LACKING: Mapping[str, str] = {
    "partial": "the restore point holds only a part of it",
    "refused": "the backup was refused it",
    "failed": "the backup could not read it",
    "off": "it was not backed up",
}


def types_not_held(
    point: RestorePoint, asked: Iterable[str], made: Collection[str]
) -> tuple[list[NotRestored], list[Finding]]:
    """What is told of types: those asked for, also where no restore writes them, and those whose objects hang on `made`
    ones and do not come back."""
    names = list(dict.fromkeys([*asked, *(row.name for row in restored_rows() if _hangs_on(row, made))]))
    left: list[NotRestored] = []
    old: list[str] = []
    for name in names:
        row, entry = OBJECT_TYPES[name], point.manifest.types.get(name)
        why = (row.not_restored or "kept to read the rest by") if row.reference_only else _why(entry)
        if why:
            left.append(NotRestored(name, "", row.title, "", why))
        elif entry is not None and entry.outcome == "carried" and entry.reason:
            old.append(f"{row.title} ({entry.read_at[:16]})")
    told = [Finding(
        "readEarlier", f"Not read for this restore point, and restored as read before: {', '.join(sorted(old))}.",
        blocks=False, count=len(old),
    )] if old else []
    return left, told


@dataclass(slots=True)
class PartsNotHeld:
    """What the backup could not read of chosen objects themselves; each type's coverage is read once."""

    vault: BlobStore
    point: RestorePoint
    chosen: Mapping[str, Collection[str]]
    """Type → ids of the chosen objects."""
    _known: dict[str, dict[str, list[tuple[str, str]]]] = field(default_factory=dict)

    async def of(self, wanted: Iterable[Wanted]) -> list[NotRestored]:
        """What is told of some of the chosen objects."""
        left: list[NotRestored] = []
        for one in wanted:
            known = self._known.get(one.object_type)
            if known is None:
                known = self._known[one.object_type] = await self._read(one.object_type)
            left += [
                NotRestored(
                    one.object_type, one.object_id, display_name(one.body), what, f"the backup could not read it: {why}"
                )
                for what, why in known.get(one.object_id, ())
            ]
        return left

    async def _read(self, name: str) -> dict[str, list[tuple[str, str]]]:
        entry, chosen = self.point.manifest.types.get(name), self.chosen.get(name, ())
        found: dict[str, list[tuple[str, str]]] = {}
        if entry is None or not entry.coverage.count:
            return found
        async for one in read_coverage(self.vault, self.point.manifest.tenant_id, entry.coverage):
            object_id = str(one.get("objectId", ""))
            if object_id in chosen and not one.get("kind"):  # one with a kind tells of what was read: a dangling link
                found.setdefault(object_id, []).append((str(one.get("what", "")), str(one.get("reason", ""))))
        return found


def types_not_shown(unread: Mapping[str, str]) -> list[NotRestored]:
    """Types that the tenant did not show now, with the reason."""
    return [
        NotRestored(name, "", OBJECT_TYPES[name].title, "", f"its present state could not be read: {why}")
        for name, why in sorted(unread.items())
    ]


def _why(entry: TypeEntry | None) -> str:
    if entry is None:
        return "the restore point was made before Cairn knew this type"
    lacking = LACKING.get(entry.outcome, "")
    return f"{lacking}: {entry.reason} {entry.remedy}".strip() if lacking and entry.reason else lacking


def _hangs_on(row: ObjectType, made: Collection[str]) -> bool:
    return any(
        one.holder and {one.target, *one.alternatives} & set(made) for one in row.references
    )
