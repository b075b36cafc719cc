"""The last state of every kept row, read back from the vault; an unknown format version is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import Corrupt, UnknownFormat
from shared.rebuild.journal import FORMAT, VERSION, folder_of, row_of
from shared.records.table import Row
from shared.repository.store import BlobStore, at_once

AT_ONCE = 500
"""Rows whose files are read before any of them is taken up."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row as it last was; one that was deleted has no body."""

    partition: str
    key: str
    body: Mapping[str, Any] | None

    def row(self) -> Row:
        """The row to be put back; raises Corrupt for one that was deleted."""
        if self.body is None:
            raise Corrupt("a deleted row cannot be put back")
        return Row(self.partition, self.key, self.body)


async def last_states(vault: BlobStore, owner: str, table: str) -> list[KeptRow]:
    """Every row of the table that a tenant (or "" for the deployment) has in the vault, deleted ones left out."""
    states = await states_of(vault, (await newest_names(vault, owner, table)).values(), table)
    return [state for state in states if state.body is not None]


async def newest_names(vault: BlobStore, owner: str, table: str) -> dict[str, str]:
    """Row → the name of its newest state; states of a row sort by their names."""
    return {row_of(entry.name): entry.name async for entry in vault.list(folder_of(owner, table))}


async def states_of(vault: BlobStore, names: Iterable[str], table: str) -> list[KeptRow]:
    """These states, deleted rows among them."""
    wanted, states = list(names), list[KeptRow]()
    for at in range(0, len(wanted), AT_ONCE):
        batch = wanted[at : at + AT_ONCE]
        for name, content in zip(batch, await at_once(vault.get(name) for name in batch), strict=True):
            states.append(_row(name, content, table))
    return states


def _row(name: str, content: bytes, table: str) -> KeptRow:
    try:
        value = orjson.loads(content)
        if value["format"] != FORMAT or value["formatVersion"] != VERSION:
            raise UnknownFormat(f"{name} has format {value['format']!r} version {value['formatVersion']!r}")
        if value["table"] != table:
            raise Corrupt(f"{name} holds a row of another table")
        return KeptRow(value["partition"], value["key"], value["body"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Corrupt(f"{name} is no kept record: {type(error).__name__}") from error
