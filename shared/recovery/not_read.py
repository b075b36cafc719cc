"""What a restore point does not hold, the tenant did not show, or no restore writes: told in the plan, never passed
over. Read-only.
"""

from collections.abc import Collection, Iterable, Mapping

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


async def parts_not_held(vault: BlobStore, point: RestorePoint, wanted: Iterable[Wanted]) -> list[NotRestored]:
    """What the backup could not read of the chosen objects themselves."""
    chosen = {(one.object_type, one.object_id): one for one in wanted}
    left: list[NotRestored] = []
    for name in sorted({name for name, _ in chosen}):
        entry = point.manifest.types.get(name)
        if entry is None or not entry.coverage.count:
            continue
        async for one in read_coverage(vault, point.manifest.tenant_id, entry.coverage):
            found = chosen.get((name, str(one.get("objectId", ""))))
            if found is not None and not one.get("kind"):  # one with a kind tells of what was read: a dangling link
                left.append(NotRestored(
                    name, found.object_id, display_name(found.body), str(one.get("what", "")),
                    f"the backup could not read it: {one.get('reason', '')}",
                ))
    return left


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
