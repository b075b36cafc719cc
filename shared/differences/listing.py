"""Changes of a report, filtered and searched, for lists and for CSV: one order, the report's own."""

import csv
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import IO, Any

import orjson

from shared.browse.search.matching import matcher
from shared.browse.search.parsing import parse
from shared.browse.search.screens import DIFFERENCES
from shared.differences.reports import Report
from shared.differences.segments import read_lines
from shared.recovery.role_names import ROLE_TYPES, all_names
from shared.repository.store import BlobStore

COLUMNS = (
    "changeId", "changeType", "objectType", "objectId", "objectName", "attribute", "oldValue", "newValue", "link",
    "targetId", "targetType", "targetName", "deletedAt", "daysLeft", "changedBy", "changedAt", "restorable", "reason",
    "noise", "causedBy",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""


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


async def changes_of(
    workspace: BlobStore, report: Report, chosen: ChangeFilter, after: str = ""
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """(place, change) after a place, which says which file and which line of it."""
    suits = chosen.suits(report)
    first, _, line = after.partition("-")
    start_file, start_line = (int(first), int(line) + 1) if after else (0, 0)
    for number, name in enumerate(report["segments"]):
        if number < start_file:
            continue
        lines = await read_lines(workspace, name)
        for place in range(start_line if number == start_file else 0, len(lines)):
            change = orjson.loads(lines[place])
            if suits(change):
                shown = {key: change[key] for key in change if not key.startswith("@")}
                yield f"{number:06d}-{place:06d}", shown


async def write_csv(workspace: BlobStore, report: Report, chosen: ChangeFilter, file: IO[str], most: int = 0) -> int:
    """How many changes were written (RFC 4180; no cell is taken for a formula); stops after `most`, if given."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    rows = 0
    async for _, change in changes_of(workspace, report, chosen):
        if most and rows >= most:
            return rows + 1
        writer.writerow([_cell(change[name]) for name in COLUMNS])
        rows += 1
    return rows


def _searched(change: dict[str, Any], report: Report) -> dict[str, Any]:
    """The change as searches see it: values as texts with the names behind ids, and roles by their older names too."""
    seen = {
        **change, "backupDate": report["created"], "oldValue": _text(change["oldValue"]),
        "newValue": _text(change["newValue"]),
    }
    if change["objectType"] in ROLE_TYPES:
        seen["objectName"] = all_names(change["objectName"])
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


def _cell(value: Any) -> Any:
    text = _text(value)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, int | float) else text
