"""Changes of a report in the workspace: newline-delimited JSON, some thousand a file, each named by its content.

Invariants: a file never changes; a list, named by its content too, has those that count, in order, and the report names
the list. So each making of a report is a generation of its own, which can be read on while the next one is there; a
repetition leaves at worst a file that nobody names, which goes with the report.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable

import orjson
import zstandard

from shared.backup.checkpoint import load_json, store_json
from shared.recovery.difference import Change
from shared.repository.names import tenant_prefix
from shared.repository.store import BlobStore

SEGMENT_CHANGES = 5_000

type Json = dict[str, object]


def report_prefix(tenant_id: str, report_id: str) -> str:
    """The folder of one report; its id is hashed, since it came from outside once."""
    return f"{tenant_prefix(tenant_id)}reports/{hashlib.sha256(report_id.encode()).hexdigest()[:32]}/"


class ChangeWriter:
    """Collects changes and stores them file by file."""

    def __init__(self, workspace: BlobStore, prefix: str) -> None:
        self._workspace, self._prefix = workspace, prefix
        self._lines: list[bytes] = []
        self.names: list[str] = []
        self.count = 0

    async def put(self, changes: Iterable[Change]) -> None:
        """Add changes."""
        for change in changes:
            self._lines.append(orjson.dumps(change.as_json()))
            self.count += 1
            if len(self._lines) >= SEGMENT_CHANGES:
                await self._store()

    async def finish(self) -> list[str]:
        """The names of all files."""
        if self._lines:
            await self._store()
        return self.names

    async def _store(self) -> None:
        lines, self._lines = self._lines, []
        content = await asyncio.to_thread(zstandard.compress, b"\n".join(lines), 3)
        name = f"{self._prefix}changes/{hashlib.sha256(content).hexdigest()}.ndjson.zst"
        await self._workspace.put(name, content)
        self.names.append(name)


async def store_list(workspace: BlobStore, prefix: str, names: Iterable[str]) -> str:
    """Where the list of these files now lies."""
    return await store_json(workspace, f"{prefix}generations/", {"segments": list(names)})


async def read_list(workspace: BlobStore, name: str) -> list[str]:
    """The files of a list; none for a report that was never made."""
    return list((await load_json(workspace, name))["segments"]) if name else []


async def read_lines(workspace: BlobStore, name: str) -> list[bytes]:
    """The lines of one file."""
    content = await workspace.get(name)
    return (await asyncio.to_thread(zstandard.decompress, content)).split(b"\n")


async def read_changes(workspace: BlobStore, names: Iterable[str]) -> AsyncIterator[list[Change]]:
    """The changes of these files, a file at a time."""
    for name in names:
        lines = await read_lines(workspace, name)
        yield await asyncio.to_thread(_parsed, lines)


def _parsed(lines: list[bytes]) -> list[Change]:
    return [Change.from_json(orjson.loads(line)) for line in lines]


async def drop(workspace: BlobStore, prefix: str) -> None:
    """Remove everything below the prefix; safe to repeat."""
    async for entry in workspace.list(prefix):
        await workspace.delete(entry.name)
