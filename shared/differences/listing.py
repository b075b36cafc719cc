"""Changes of a report, filtered and searched, for lists and for CSV: one order, the report's own.

Invariants: a place in a list belongs to one generation of its report, so pages never mix two; what a caller may not see
is masked before anything is searched, so a search tells no more than the list shows.
"""

import csv
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

import orjson

from shared.browse.search.matching import matcher
from shared.browse.search.parsing import parse
from shared.browse.search.screens import DIFFERENCES
from shared.catalog import OBJECT_TYPES
from shared.csv_cells import cell
from shared.differences.names import BETWEEN
from shared.differences.reports import Report
from shared.differences.segments import read_lines, read_list
from shared.recovery.role_names import ROLE_TYPES, all_names
from shared.repository.store import BlobStore

COLUMNS = (
    "changeId", "changeType", "objectType", "objectId", "objectName", "attribute", "oldValue", "newValue", "link",
    "targetId", "targetType", "targetName", "deletedAt", "daysLeft", "changedBy", "changedAt", "restorable", "reason",
    "noise", "causedBy", "masked",
)


def is_personal(object_type: str) -> bool:
    """Whether attributes of this type are people's: of users, and of what belongs to one (authentication methods)."""
    row = OBJECT_TYPES.get(object_type)
    return object_type == "user" or (row is not None and row.parent == "user")


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """What a list of changes is narrowed by; None and empty mean all."""

    change_type: str | None = None
    object_type: str | None = None
    attribute: str | None = None
    """An attribute, or a link's name."""
    caused_by: str | None = None
    restorable: bool | None = None
    collapsed: str = "false"
    """Whether changes that follow from others are left out (`false`), listed alone (`true`), or with all (`any`)."""
    text: str = ""
    masked: bool = False
    """Whether values of people's attributes are left out."""

    def seen(self, change: dict[str, Any]) -> dict[str, Any]:
        """The change as the one who asks may see it; `masked` says whether values were left out."""
        if not self.masked or change["link"] or not is_personal(change["objectType"]):
            return {**change, "masked": False}
        return {**change, "oldValue": None, "newValue": None, "references": {}, "masked": bool(change["attribute"])}

    def suits(self, report: Report) -> Callable[[dict[str, Any]], bool]:
        """Says whether a change is one of those; SearchError where the search cannot be understood."""
        asked = matcher(parse(self.text, DIFFERENCES), DIFFERENCES) if self.text.strip() else None

        def suits(change: dict[str, Any]) -> bool:
            return (
                self.change_type in (None, change["changeType"])
                and self.object_type in (None, change["objectType"])
                and self.attribute in (None, change["attribute"], change["link"])
                and self.caused_by in (None, change["causedBy"])
                and self.restorable in (None, change["restorable"])
                and self._shown(aside=bool(change["noise"]))
                and (asked is None or asked(_searched(change, report)))
            )

        return suits

    def _shown(self, *, aside: bool) -> bool:
        return self.collapsed == "any" or self.caused_by is not None or aside == (self.collapsed == "true")


def generation_of(report: Report, place: str = "") -> str | None:
    """The list of files that a place in it belongs to, without one the newest; None where that list is gone."""
    if not place:
        return report["found"]
    mark = place.partition("-")[0]
    return next((one for one in (report["found"], report["foundBefore"]) if one and _mark(one) == mark), None)


async def changes_of(
    workspace: BlobStore, report: Report, chosen: ChangeFilter, after: str = "", generation: str | None = None
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """(place, change) after a place, which says which generation, which file and which line of it."""
    suits = chosen.suits(report)
    found = report["found"] if generation is None else generation
    _, first, line = after.split("-") if after else ("", "0", "-1")
    start_file, start_line = int(first), int(line) + 1
    for number, name in enumerate(await read_list(workspace, found)):
        if number < start_file:
            continue
        lines = await read_lines(workspace, name)
        for place in range(start_line if number == start_file else 0, len(lines)):
            change = chosen.seen(orjson.loads(lines[place]))
            if suits(change):
                shown = {key: change[key] for key in change if not key.startswith("@")}
                yield f"{_mark(found)}-{number:06d}-{place:06d}", shown


def _mark(generation: str) -> str:
    return PurePosixPath(generation).name[:12]


async def write_csv(workspace: BlobStore, report: Report, chosen: ChangeFilter, file: IO[str], most: int = 0) -> int:
    """How many changes were written (RFC 4180; no cell is taken for a formula); stops after `most`, if given."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    rows = 0
    async for _, change in changes_of(workspace, report, chosen):
        if most and rows >= most:
            return rows + 1
        writer.writerow([cell(change[name]) for name in COLUMNS])
        rows += 1
    return rows


def _searched(change: dict[str, Any], report: Report) -> dict[str, Any]:
    """The change as searches see it: values as texts with the names behind ids, and roles by their older names too."""
    seen = {
        **change, "backupDate": report["created"], "oldValue": _text(change["oldValue"]),
        "newValue": _text(change["newValue"]),
    }
    joined = tuple(change["references"].values())
    if change["objectType"] in ROLE_TYPES:
        seen["objectName"] = all_names(change["objectName"])
    elif joined and change["objectName"] == BETWEEN.join(joined):
        seen["objectName"] = BETWEEN.join(map(all_names, joined))
    if change["targetType"] in ROLE_TYPES:
        seen["targetName"] = all_names(change["targetName"] or "")
    for key in ("oldValue", "newValue"):
        mentioned = [name for one, name in change["references"].items() if one in seen[key]]
        seen[key] = " ".join((seen[key], *map(all_names, mentioned)))
    return seen


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
