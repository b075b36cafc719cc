"""DuckDB, opened so that it can do nothing but read and write files in one folder of its own.

It loads no extension beyond those linked into it, reaches no network and no other path, and its memory is bounded.
Imported when first used, since only browsing needs it.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import CairnError

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "256MB"
THREADS = 2
QUERY_SECONDS = 20.0
ROWS_AT_ONCE = 10_000

type Take = Callable[[Sequence[str], Sequence[Sequence[Any]]], None]
"""Takes the names of columns, and some rows."""


class QueryTooExpensive(CairnError):
    """A query that takes too long or too much memory; it was stopped."""

    default_remedy = "Narrow it: choose a type, or search in one field."


def connect(folder: Path) -> "duckdb.DuckDBPyConnection":
    """A database in memory that reads and writes below `folder` only, for good."""
    import duckdb

    connection = duckdb.connect(":memory:", config={
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    })
    place = str(folder).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{place}']")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


class Engine:
    """One database for all queries of a process; each query has a cursor of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()

    async def rows(
        self, sql: str, parameters: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a query, as objects; `tables` are columns of values to be joined by name.

        QueryTooExpensive when it runs out of time or memory.
        """
        found: list[dict[str, Any]] = []

        def gather(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
            found.extend(dict(zip(names, row, strict=True)) for row in rows)

        await self.stream(sql, parameters, gather, tables=tables)
        return found

    async def stream(
        self, sql: str, parameters: Mapping[str, Any], take: Take, *,
        tables: Mapping[str, Mapping[str, Any]] | None = None, seconds: float = QUERY_SECONDS,
    ) -> None:
        """Give the names of a query's columns and its rows to `take`, some thousand at a time, in a worker thread."""
        import duckdb

        cursor = await asyncio.to_thread(self._cursor)
        work = asyncio.ensure_future(asyncio.to_thread(_fetch, cursor, sql, parameters, tables or {}, take))
        try:
            done, _ = await asyncio.wait({work}, timeout=seconds)
            if not done:
                cursor.interrupt()
                await asyncio.wait({work})
            work.result()
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise QueryTooExpensive("The question takes too long, or too much memory.") from error
        except asyncio.CancelledError:
            cursor.interrupt()
            raise
        finally:
            cursor.close()

    def _cursor(self) -> "duckdb.DuckDBPyConnection":
        with self._lock:
            if self._connection is None:
                self._connection = connect(self._folder)
            return self._connection.cursor()


def columns_of(kinds: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Rows as columns that DuckDB takes without looking at each value."""
    import numpy as np

    columns: dict[str, Any] = {}
    for place, name in enumerate(kinds):
        column = np.empty(len(rows), dtype=object)
        column[:] = [row[place] for row in rows]
        columns[name] = column
    return columns


def write_parquet(
    connection: "duckdb.DuckDBPyConnection", kinds: Mapping[str, str], rows: Sequence[Sequence[Any]], path: Path
) -> None:
    """Write rows with these columns to a new Parquet file."""
    connection.register("batch", columns_of(kinds, rows))
    try:
        chosen = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in kinds.items())
        connection.execute(
            f"COPY (SELECT {chosen} FROM batch) TO '{path}' (FORMAT parquet, COMPRESSION lz4)"  # noqa: S608
        )
    finally:
        connection.unregister("batch")


def _fetch(
    cursor: "duckdb.DuckDBPyConnection", sql: str, parameters: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]], take: Take,
) -> None:
    for name, columns in tables.items():
        cursor.register(name, columns)
    found = cursor.execute(sql, dict(parameters))
    names = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(ROWS_AT_ONCE):
        take(names, rows)
