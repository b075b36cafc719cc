"""What a backup says of its own gaps: in the coverage of a type, and as events, at most one of each sort a backup."""

from collections.abc import Iterable, Mapping

from shared.backup.checkpoint import Checkpoint, Json, TypeCapture
from shared.backup.run import Run
from shared.backup.summary import not_whole
from shared.catalog import OBJECT_TYPES
from shared.deployment import Deployment
from shared.records.events import EventTask, Severity
from shared.repository.manifest import Manifest, TypeEntry

MOST_TOLD = 5
"""Types that one event tells of; the restore point's coverage has them all."""

WORSE_BY: Mapping[str, int] = {"complete": 0, "carried": 0, "off": 0, "partial": 1, "refused": 2, "failed": 2}
"""How far an outcome is from a whole type."""

REPLAYED_NEXT = "Nothing: the next backup goes on from where this one began to read, and catches up."


def not_replayed(name: str, replay: TypeCapture) -> Json:
    """The coverage entry of a type whose changes during the read could not be read again."""
    return {
        "what": name, "reason": f"What changed while it was read could not be read again: {replay.reason}",
        "remedy": REPLAYED_NEXT,
    }  # fmt: skip


async def tell_coverage(
    opened: Deployment, run: Run, previous: Manifest | None, manifest: Manifest, closing: Checkpoint
) -> None:
    """Events: notes of the run, replays that failed, what is worse than last time, and what is not whole still."""
    before: Mapping[str, TypeEntry] = previous.types if previous else {}
    incomplete = not_whole(manifest)
    worse = [name for name in incomplete if name in before and _is_worse(before[name], manifest.types[name])]
    still = [name for name in incomplete if name not in worse]
    unreplayed = [
        one for one in closing.captures
        if one.outcome in ("refused", "failed") and manifest.types[one.object_type].outcome in ("complete", "partial")
    ]
    for note in run.notes:
        await _tell(opened, run, f"note:{run.task_id}:{note[:40]}", "information", "backupNote", note)
    if unreplayed:
        said = _listed(f"{OBJECT_TYPES[one.object_type].title} ({one.reason})" for one in unreplayed)
        await _tell(
            opened, run, f"replay:{run.task_id}", "information", "backupNote",
            f"What changed while they were read could not be read again: {said}. {REPLAYED_NEXT}",
        )  # fmt: skip
    if worse:
        await _tell(
            opened, run, f"coverage:{run.task_id}:worse", "error", "coverageWorse",
            f"Less whole than in the restore point before: {_told(manifest, worse)}",
        )  # fmt: skip
    if still:
        await _tell(
            opened, run, f"coverage:{run.task_id}:still", "warning", "coverage",
            f"Not whole: {_told(manifest, still)}",
        )  # fmt: skip


def _is_worse(before: TypeEntry, now: TypeEntry) -> bool:
    return WORSE_BY[now.outcome] > WORSE_BY[before.outcome]


def _told(manifest: Manifest, names: Iterable[str]) -> str:
    """All of the types by name, and why; what lives under others comes last, since the cause is theirs."""
    ordered = sorted(names, key=lambda name: (bool(OBJECT_TYPES[name].parent), name))
    titles = ", ".join(OBJECT_TYPES[name].title for name in ordered)
    return f"{titles}. {_listed(_story(name, manifest.types[name]) for name in ordered)}"


def _story(name: str, entry: TypeEntry) -> str:
    return f"{OBJECT_TYPES[name].title}: {entry.outcome}. {entry.reason} {entry.remedy}".strip()


def _listed(stories: Iterable[str]) -> str:
    told = list(stories)
    more = f" And {len(told) - MOST_TOLD} more, in the restore point's coverage." if len(told) > MOST_TOLD else ""
    return " ".join(told[:MOST_TOLD]) + more


async def _tell(opened: Deployment, run: Run, key: str, severity: Severity, code: str, message: str) -> None:
    task = EventTask(taskId=run.task_id, name="Full backup" if run.kind == "full" else "Backup")
    await opened.records.events.record(
        key, tenant_id=run.tenant_id, severity=severity, code=code, message=message, task=task
    )
