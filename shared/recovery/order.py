"""The order of a plan: waves one after the other, chains side by side within a wave, batches of 250 operations.

A chain is what must go in order: all writes to one object (Microsoft Graph answers parallel writes to one object with
Directory_ConcurrencyViolation), and all Conditional Access, which has one request a second. Chains are spread over
lanes; a lane's batches go one after the other, lanes side by side, and a wave begins when the one before has ended.

Operations wait for their place in a temporary database on disk, so that a plan may be larger than memory. Equal
operations have equal places, in whatever order they were put.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import orjson
import zstandard

from shared.recovery.plan import Operation
from shared.recovery.state import Json

BATCH = 250
LANES = 4

_KINDS = ("delete", "revive", "create", "update", "link", "unlink", "manual")
"""Within a chain; a link is added before another is removed, so that a last owner can be replaced."""

_QUIET = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
_SCHEMA = _QUIET + """
PRAGMA temp_store = FILE;
PRAGMA cache_size = -32768;
CREATE TABLE operation (number INTEGER PRIMARY KEY, wave INTEGER, chain TEXT, place TEXT, content BLOB);
CREATE TABLE lane (wave INTEGER, chain TEXT, lane INTEGER, turn INTEGER, PRIMARY KEY (wave, chain)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Operations that one activity sends."""

    number: int
    operations: tuple[Operation, ...]


class Ordering:
    """The operations of one plan, on their way into their order. A context: its database goes with it."""

    def __init__(self) -> None:
        # Without a name SQLite keeps it in a file of its own, which is gone when it is closed.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")  # and never its end: nobody else reads it, and each would cost a flush
        self._packer, self._unpacker = zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor()
        self.waves: tuple[tuple[tuple[int, ...], ...], ...] = ()
        """Numbers of the batches, wave by wave and lane by lane, once `batches` has come to its end."""

    def put(self, operations: Iterable[Operation]) -> None:
        """Add some."""
        self._database.executemany(
            "INSERT INTO operation (wave, chain, place, content) VALUES (?, ?, ?, ?)",
            ((one.wave, one.chain or one.object_id, _place(one), self._packer.compress(orjson.dumps(one.as_json())))
             for one in operations),
        )

    def drop(self, operations: Iterable[Operation]) -> None:
        """Take some out again."""
        self._database.executemany(
            "DELETE FROM operation WHERE wave = ? AND chain = ? AND place = ?",
            [(one.wave, one.chain or one.object_id, _place(one)) for one in operations],
        )

    def __len__(self) -> int:
        found: tuple[int] = self._database.execute("SELECT COUNT(*) FROM operation").fetchone()
        return found[0]

    def __iter__(self) -> Iterator[Operation]:
        """All of them, as they were put; as often as asked."""
        rows = self._database.execute("SELECT content FROM operation ORDER BY number")
        return (self._operation(content) for (content,) in rows)

    def batches(self) -> Iterator[Batch]:
        """Operations numbered from 1 in the order in which they go, cut into batches. Once, when all are there."""
        self._database.execute("CREATE INDEX by_chain ON operation (wave, chain, place)")
        waves: list[tuple[tuple[int, ...], ...]] = []
        order = number = 0
        for wave, count in self._database.execute(
            "SELECT wave, COUNT(*) FROM operation GROUP BY wave ORDER BY wave"
        ).fetchall():
            self._spread(wave, min(LANES, max(1, count // BATCH)))
            lanes: list[tuple[int, ...]] = []
            for lane in range(LANES):
                first = number + 1
                for some in self._cut(wave, lane):
                    number += 1
                    yield Batch(number, tuple(
                        replace(one, order=place, wave=len(waves) + 1) for place, one in enumerate(some, order + 1)
                    ))
                    order += len(some)
                if number >= first:
                    lanes.append(tuple(range(first, number + 1)))
            waves.append(tuple(lanes))
        self.waves = tuple(waves)

    def _spread(self, wave: int, lanes: int) -> None:
        """Whole chains, the longest first, so that lanes are about equally long; few operations stay together."""
        lengths = [0] * lanes
        chains = self._database.execute(
            "SELECT chain, COUNT(*) AS length FROM operation WHERE wave = ? GROUP BY chain ORDER BY length DESC, chain",
            (wave,),
        )

        def placed() -> Iterator[tuple[int, str, int, int]]:
            for turn, (chain, length) in enumerate(chains):
                lane = lengths.index(min(lengths))
                lengths[lane] += length
                yield wave, chain, lane, turn

        self._database.executemany("INSERT INTO lane VALUES (?, ?, ?, ?)", placed())

    def _cut(self, wave: int, lane: int) -> Iterator[list[Operation]]:
        rows = self._database.execute(
            "SELECT operation.number FROM lane JOIN operation USING (wave, chain)"
            " WHERE lane.wave = ? AND lane.lane = ? ORDER BY lane.turn, operation.place, operation.number",
            (wave, lane),
        )
        while some := rows.fetchmany(BATCH):
            yield [self._operation(self._content(number)) for (number,) in some]

    def _content(self, number: int) -> bytes:
        found: tuple[bytes] = self._database.execute(
            "SELECT content FROM operation WHERE number = ?", (number,)
        ).fetchone()
        return found[0]

    def _operation(self, content: bytes) -> Operation:
        return Operation.from_json(orjson.loads(self._unpacker.decompress(content)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()


class Sorting:
    """What is put in comes out sorted by its text, from a temporary database on disk. A context, as `Ordering`."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_QUIET + "CREATE TABLE line (text BLOB);")
        self._database.execute("BEGIN")

    def put(self, values: Iterable[Json]) -> None:
        """Add some."""
        self._database.executemany("INSERT INTO line VALUES (?)", ((orjson.dumps(one),) for one in values))

    def __iter__(self) -> Iterator[Json]:
        return (orjson.loads(text) for (text,) in self._database.execute("SELECT text FROM line ORDER BY text"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()


def _place(one: Operation) -> str:
    """Where it goes within its chain, as a text that sorts so."""
    parts = (
        one.object_type, one.object_id, f"{_KINDS.index(one.kind)}", one.link, one.path, "\1".join(one.targets),
        "\1".join(one.attributes),
    )
    return "\0".join(parts)
