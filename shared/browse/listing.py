"""Lists, counts and exports of an unpacked restore point's objects: filters and searches over its index.

Everything a caller says reaches DuckDB as a parameter; columns and their order are chosen from fixed tables.
"""

import csv
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO

from shared.browse.columns import MFA_METHODS
from shared.browse.engine import Take
from shared.browse.files import IndexFiles
from shared.browse.living import Living
from shared.browse.origins import Origin
from shared.browse.search.query import Query
from shared.browse.search.screens import OBJECTS
from shared.browse.search.sql import Compiler
from shared.browse.since import Since
from shared.csv_cells import cell
from shared.repository.manifest import Manifest
from shared.repository.store import BlobStore

Deleted = Literal["false", "true", "any"]

SORTABLE: Mapping[str, str] = {
    "displayName": "sortName",
    "objectType": "lower(objectType)",
    "userPrincipalName": "coalesce(lower(userPrincipalName), '')",
    "mail": "coalesce(lower(mail), '')",
    "city": "coalesce(lower(city), '')",
    "department": "coalesce(lower(department), '')",
    "jobTitle": "coalesce(lower(jobTitle), '')",
    "description": "coalesce(lower(description), '')",
    "userType": "coalesce(userType, '')",
    "telephoneNumber": "coalesce(telephoneNumber, '')",
    "createdDateTime": "coalesce(createdDateTime, '')",
    "lastBackup": "capturedAt",
    "objectId": "objectId",
}

SHOWN = (
    "objectId", "objectType", "kind", "displayName", "userPrincipalName", "mail", "city", "department", "jobTitle",
    "description", "userType", "telephoneNumber", "groupKind", "synced", "mailEnabled", "accountEnabled",
    "createdDateTime", "removed", "captured", "capturedAt",
)
"""Columns of the index that a list shows."""

FACETS: Mapping[str, str] = {
    "type": "objectType", "kind": "kind", "groupKind": "groupKind", "userType": "userType", "synced": "synced",
    "mailEnabled": "mailEnabled",
}
"""Facets of the summary and the columns that they count."""

CSV_COLUMNS = (
    *(name for name in SHOWN if name not in ("removed", "captured", "capturedAt")), "deleted", "lastBackup",
    "lastBackupAt", "backupId",
)
EXPORT_SECONDS = 240.0
"""An export runs in an activity of its own, which may take five minutes."""

MFA_TYPES = ("strongAuthenticationRequirements", "signInPreferences")
"""Types that say it, one object for a user and under the user's id."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which objects of a restore point; None and empty mean any."""

    query: Query | None = None
    text: str = ""
    """The search that `query` was read from, for messages."""
    types: tuple[str, ...] = ()
    group_kind: str | None = None
    user_type: str | None = None
    synced: bool | None = None
    mfa: str | None = None
    mail_enabled: bool | None = None
    deleted: Deleted = "false"
    object_ids: tuple[str, ...] = ()
    order: str = "displayName"
    """What they are sorted by, a key of SORTABLE."""
    backwards: bool = False

    @property
    def sorting(self) -> str:
        """As SQL sorts by it: ids tell apart what has the same value."""
        direction = "DESC" if self.backwards else "ASC"
        return f"{SORTABLE[self.order]} {direction}, objectId {direction}, objectType {direction}"


@dataclass(frozen=True, slots=True)
class Place:
    """After which object a page begins: its value of the order, its id and type."""

    value: str
    object_id: str
    object_type: str


@dataclass(slots=True)
class Listing:
    """The objects of one unpacked restore point; `constants` as the search language takes them."""

    workspace: BlobStore
    files: IndexFiles
    manifest: Manifest
    since: Since
    constants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    living: Living | None = None
    """What there still is of the restore points that the index names."""

    async def page(
        self, chosen: Filter, *, top: int = 100, after: Place | None = None
    ) -> tuple[list[dict[str, Any]], Place | None]:
        """(objects, where the next page begins or None); NotUnpacked, QueryTooExpensive."""
        key, beyond = SORTABLE[chosen.order], "<" if chosen.backwards else ">"
        async with self._asked(chosen) as asked:
            if after is not None:
                asked.parameters |= {"av": after.value, "ai": after.object_id, "at": after.object_type}
                asked.conditions.append(f"({key}, objectId, objectType) {beyond} ($av, $ai, $at)")
            rows = await asked.rows(
                f"SELECT {', '.join(SHOWN)}, {key} AS place FROM objects WHERE {asked.where} "  # noqa: S608 - fixed columns
                f"ORDER BY {chosen.sorting} LIMIT {int(top) + 1}"
            )
            page = rows[:top]
            following = None
            if len(rows) > top:
                last = page[-1]
                following = Place(str(last["place"]), last["objectId"], last["objectType"])
            return await self._shown(page), following

    async def export(self, chosen: Filter, file: TextIO) -> int:
        """Write these objects as CSV (RFC 4180), in their order; how many they are. No cell is a formula to a
        spreadsheet."""
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        rows = 0

        def take(_: Sequence[str], batch: Sequence[Sequence[Any]]) -> None:
            nonlocal rows
            rows += len(batch)
            for row in batch:
                capture = captures.get(row[-3], (row[-3], row[-2]))
                writer.writerow([cell(value) for value in (*row[:-3], *capture, row[-1])])

        gone = await self._gone_table(chosen)
        captures = await self._captures(chosen, gone)
        deleted = "removed IS NOT NULL"
        if gone:
            deleted += f" OR {_IN_GONE}"
        columns = ", ".join(name for name in SHOWN if name not in ("removed", "captured", "capturedAt"))
        async with self._asked(chosen, gone) as asked:
            await asked.stream(
                f"SELECT {columns}, ({deleted}) AS deleted, captured, capturedAt, "  # noqa: S608 - fixed columns
                f"'{self.manifest.backup_id}' AS backupId FROM objects WHERE {asked.where} "
                f"ORDER BY {chosen.sorting}",
                take,
            )
        return rows

    async def _captures(self, chosen: Filter, gone: Mapping[str, Any]) -> dict[str, Origin]:
        """Who captured these objects, as the index says it → the restore point that there still is."""
        if self.living is None:
            return {}
        async with self._asked(chosen, gone) as asked:
            rows = await asked.rows(
                f"SELECT captured, min(capturedAt) AS at FROM objects WHERE {asked.where} GROUP BY captured"  # noqa: S608
            )
        return {row["captured"]: await self.living.of(row["captured"] or "", row["at"] or "") for row in rows}

    async def count(self, chosen: Filter) -> int:
        """How many objects these are."""
        async with self._asked(chosen) as asked:
            found = await asked.rows(f"SELECT count(*) AS n FROM objects WHERE {asked.where}")  # noqa: S608
            return int(found[0]["n"])

    async def summary(self, chosen: Filter) -> dict[str, Any]:
        """Counts of these objects by each property that they are filtered by."""
        async with self._asked(chosen) as asked:
            grouped = await asked.rows(
                "SELECT objectType, kind, groupKind, userType, synced, mailEnabled, "  # noqa: S608 - bound parameters
                f"count(*) AS n FROM objects WHERE {asked.where} GROUP BY ALL"
            )
            mfa = await self._mfa_counts(asked)
        facets = {name: _tally(grouped, column) for name, column in FACETS.items()} | {"mfa": mfa}
        return {
            "count": sum(row["n"] for row in grouped),
            "facets": {
                name: [{"value": value, "count": count} for value, count in Counter(found).most_common()]
                for name, found in facets.items()
            },
        }

    async def _shown(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows as the interface shows objects: with what is known of them now, and their MFA state."""
        by_type: dict[str, list[str]] = {}
        for row in rows:
            if row["removed"] is None:
                by_type.setdefault(row["objectType"], []).append(row["objectId"])
        gone = {name: await self.since.gone_of(name, ids) for name, ids in by_type.items()}
        mfa = await self._mfa_of(by_type.get("user", []))
        if self.living is not None:
            for row in rows:
                capture = await self.living.of(row["captured"] or "", row["capturedAt"] or "")
                row["captured"], row["capturedAt"] = capture
        return [self._object(row, row["objectId"] in gone.get(row["objectType"], ()), mfa) for row in rows]

    def _object(self, row: Mapping[str, Any], is_gone: bool, mfa: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        shown = {
            name: value for name, value in row.items() if name not in ("removed", "captured", "capturedAt", "place")
        }
        return {
            **shown,
            **({"mfa": mfa.get(row["objectId"])} if row["objectType"] == "user" else {}),
            "deleted": is_gone or row["removed"] is not None,
            "deletedHow": row["removed"],
            "lastBackup": row["captured"] or None,
            "lastBackupAt": row["capturedAt"] or None,
            "backupId": self.manifest.backup_id,
            "backupDate": next(iter(self.constants.get("backupDate", ())), None),
        }

    async def _mfa_of(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        if not user_ids:
            return {}
        async with self._local(MFA_TYPES) as paths:
            if not paths:
                return {}
            rows = await self.files.engine.rows(
                f"SELECT parent, max(mfaState) AS state, max(mfaMethod) AS method "  # noqa: S608
                f"FROM {_table('paths')} WHERE removed IS NULL AND list_contains($ids::VARCHAR[], parent) "
                "GROUP BY parent",
                {"paths": paths, "ids": list(user_ids)},
            )
        return {row["parent"]: {"state": row["state"], "method": row["method"]} for row in rows}

    async def _mfa_counts(self, asked: "_Asked") -> dict[str, int]:
        if not asked.mfa_paths:
            return {}
        rows = await asked.rows(
            f"SELECT coalesce(mfa.mfaState, mfa.mfaMethod) AS value, count(*) AS n FROM {_table('mfa_paths')} AS mfa "  # noqa: S608
            f"JOIN (SELECT objectId FROM objects WHERE objectType = 'user' AND {asked.where}) AS chosen "
            "ON chosen.objectId = mfa.parent WHERE mfa.removed IS NULL GROUP BY ALL",
            with_mfa=True,
        )
        return {str(row["value"]): row["n"] for row in rows if row["value"] is not None}

    @asynccontextmanager
    async def _asked(
        self, chosen: Filter, gone: Mapping[str, Any] | None = None
    ) -> AsyncIterator["_Asked"]:
        """The filter as conditions, over files that stay while the context lasts."""
        compiler = Compiler(OBJECTS, self.constants)
        searched = compiler.condition(chosen.query)
        conditions: list[str] = []
        parameters = compiler.parameters
        equal = {"groupKind": chosen.group_kind, "userType": chosen.user_type, "synced": chosen.synced,
                 "mailEnabled": chosen.mail_enabled}
        for column, value in equal.items():
            if value is not None:
                parameters[column] = value
                conditions.append(f"{column} = ${column}")
        if chosen.object_ids:
            parameters["ids"] = list(chosen.object_ids)
            conditions.append("list_contains($ids::VARCHAR[], objectId)")
        types = self._types(chosen)
        if gone is None and chosen.deleted == "true":
            gone = await self._gone_table(chosen)
        tables = {"gone": gone} if gone else {}
        conditions.append(_deleted(chosen, is_known=bool(gone)))
        async with self._local(types) as local, self._local(MFA_TYPES) as mfa:
            if chosen.mfa is not None:
                if mfa:
                    method = next((name for name, older in MFA_METHODS.items() if older == chosen.mfa), chosen.mfa)
                    parameters["mfa"] = method
                    conditions.append(
                        f"objectType = 'user' AND objectId IN (SELECT parent FROM {_table('mfa_paths')} "  # noqa: S608
                        "WHERE removed IS NULL AND (mfaState = $mfa OR mfaMethod = $mfa))"
                    )
                else:
                    conditions.append("FALSE")
            asked = _Asked(self.files, local, mfa, conditions, searched, parameters, tables)
            asked.filters_by_mfa = chosen.mfa is not None and bool(mfa)
            yield asked

    def _types(self, chosen: Filter) -> tuple[str, ...]:
        types = chosen.types or tuple(self.manifest.types)
        narrowed = {"group"} if chosen.group_kind else {"user"} if chosen.user_type or chosen.mfa else None
        return tuple(name for name in types if narrowed is None or name in narrowed)

    async def _gone_table(self, chosen: Filter) -> dict[str, Any]:
        """What the newest restore point has not any more, as a table to be joined; {} if that is nothing."""
        import numpy as np

        gone = await self.since.gone(self._types(chosen))
        ids = [f"{name}|{one}" for name, found in gone.items() for one in found]
        return {"id": np.array(ids, dtype=object)} if ids else {}

    def _local(self, types: Sequence[str]) -> AbstractAsyncContextManager[list[str]]:
        """Paths of the objects' files of these types."""
        return self.files.of_types(self.workspace, self.manifest, types, "objects")


class _Asked:
    """A filter ready to be asked: its files, its conditions, its parameters."""

    def __init__(
        self, files: IndexFiles, paths: list[str], mfa_paths: list[str], conditions: list[str], searched: str,
        parameters: dict[str, Any], tables: dict[str, Mapping[str, Any]],
    ) -> None:
        self._files, self._paths, self.mfa_paths = files, paths, mfa_paths
        self.conditions, self._searched, self.parameters, self._tables = conditions, searched, parameters, tables
        self.filters_by_mfa = False

    @property
    def where(self) -> str:
        """All conditions, the search last: DuckDB reads what the first ones need of every row."""
        return " AND ".join(f"({one})" for one in (*self.conditions, self._searched))

    async def rows(self, sql: str, *, with_mfa: bool = False) -> list[dict[str, Any]]:
        """The rows; none at all where there is no file."""
        if not self._paths:
            return [{"n": 0}] if "count(*) AS n FROM objects" in sql and "GROUP BY" not in sql else []
        parameters = {**self.parameters, "paths": self._paths}
        if with_mfa or self.filters_by_mfa:
            parameters["mfa_paths"] = self.mfa_paths
        return await self._files.engine.rows(_over(sql), parameters, self._tables)

    async def stream(self, sql: str, take: Take) -> None:
        """Give the rows to `take`, some thousand at a time."""
        if self._paths:
            parameters = {**self.parameters, "paths": self._paths}
            if self.filters_by_mfa:
                parameters["mfa_paths"] = self.mfa_paths
            await self._files.engine.stream(_over(sql), parameters, take, tables=self._tables, seconds=EXPORT_SECONDS)


_IN_GONE = "objectType || '|' || objectId IN (SELECT id FROM gone)"


def _deleted(chosen: Filter, *, is_known: bool) -> str:
    """The condition on being deleted: before this restore point (a tombstone), or since."""
    if chosen.deleted == "false":
        return "removed IS NULL"
    if chosen.deleted == "any":
        return "TRUE"
    return f"removed IS NOT NULL OR {_IN_GONE}" if is_known else "removed IS NOT NULL"


def _tally(grouped: Sequence[Mapping[str, Any]], column: str) -> dict[str, int]:
    """How often each value of a column stands in grouped rows; what has none is not counted."""
    counted: dict[str, int] = {}
    for row in grouped:
        value = row[column]
        if value is not None:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            counted[word] = counted.get(word, 0) + row["n"]
    return counted


def _over(sql: str) -> str:
    """The question put to the files themselves: through a subquery DuckDB reads every column of every row."""
    return sql.replace("FROM objects", f"FROM {_table('paths')} AS objects")


def _table(parameter: str) -> str:
    return f"read_parquet(${parameter}::VARCHAR[])"
