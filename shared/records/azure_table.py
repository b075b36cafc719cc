"""A table in Azure Table Storage (or Azurite).

A body is kept as JSON text in `body`, `body1`, …, since a string property holds 32 K characters at most; so a row can
be read in any storage browser. The SDK retries; what is left over becomes StoreUnavailable.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

import orjson
from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.errors import StoreUnavailable
from shared.records.table import LAST_KEY, PAGE, Row, RowChanged, RowExists

PIECE = 15_000
"""Characters in one string property: Table Storage allows 32 K UTF-16 units, and a character may take two of them
(Understanding the Table service data model)."""

MOST_BYTES = 300_000
"""Of text in UTF-16: an entity holds 1 MiB, and on its way each character outside ASCII is three times as long."""

ROWS_PER_ANSWER = 1000
"""Table Storage returns no more in one answer (Query timeout and pagination)."""


class AzureTable:
    """One table behind an open `TableClient`; whoever opened the client closes it."""

    def __init__(self, client: TableClient) -> None:
        self._client = client

    async def create(self) -> None:
        """Make the table if it is not there; safe to repeat."""
        try:
            await _reached(self._client.create_table())
        except ResourceExistsError:
            return

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises RowExists."""
        try:
            return _stored(row, await _reached(self._client.create_entity(_entity(row))))
        except ResourceExistsError:
            raise RowExists(f"row {row.key} exists") from None

    async def upsert(self, row: Row) -> Row:
        """Store the row, whatever was there."""
        return _stored(row, await _reached(self._client.upsert_entity(_entity(row), mode=UpdateMode.REPLACE)))

    async def update(self, row: Row) -> Row:
        """Store the row if what is stored still has its etag; raises RowChanged."""
        try:
            answer = await _reached(
                self._client.update_entity(
                    _entity(row),
                    mode=UpdateMode.REPLACE,
                    etag=row.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            raise RowChanged(f"row {row.key} changed") from None
        return _stored(row, answer)

    async def get(self, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        try:
            return _row(await _reached(self._client.get_entity(partition, key)))
        except ResourceNotFoundError:
            return None

    async def query(self, partition: str, *, after: str = "", before: str = LAST_KEY, limit: int = PAGE) -> list[Row]:
        """Return the first `limit` rows between the two keys."""
        found: list[Row] = []
        entities = self._client.query_entities(
            "PartitionKey eq @partition and RowKey gt @after and RowKey lt @before",
            parameters={"partition": partition, "after": after, "before": before},
            results_per_page=min(limit, ROWS_PER_ANSWER),
        )
        try:
            async for entity in entities:
                found.append(_row(entity))
                if len(found) == limit:
                    break
        except AzureError as error:
            raise _unavailable(error) from error
        return found

    async def delete(self, partition: str, key: str, *, etag: str = "") -> bool:
        """Delete the row and say whether it was there."""
        try:
            # The SDK's delete does not tell whether there was a row, so it is looked for first.
            await _reached(self._client.get_entity(partition, key, select=["RowKey"]))
            if etag:
                await _reached(
                    self._client.delete_entity(
                        partition, key, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
                )
            else:
                await _reached(self._client.delete_entity(partition, key))
        except ResourceModifiedError:
            raise RowChanged(f"row {key} changed") from None
        except ResourceNotFoundError:
            if etag:
                raise RowChanged(f"row {key} is gone") from None
            return False
        return True


async def _reached[T](call: Awaitable[T]) -> T:
    """The answer; what says that storage could not be reached or refused us becomes StoreUnavailable."""
    try:
        return await call
    except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
        raise
    except AzureError as error:
        raise _unavailable(error) from error


def _unavailable(error: AzureError) -> StoreUnavailable:
    # Only the kind and the status: the SDK's text can carry addresses and signatures.
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return StoreUnavailable(f"Table Storage: {type(error).__name__}" + (f" ({status})" if status else ""))


def _entity(row: Row) -> dict[str, Any]:
    text = orjson.dumps(row.body).decode()
    if len(text.encode("utf-16-le")) > MOST_BYTES:
        raise ValueError(f"row {row.key} is too big for a table: {len(text)} characters")
    entity: dict[str, Any] = {"PartitionKey": row.partition, "RowKey": row.key}
    for number, start in enumerate(range(0, len(text), PIECE)):
        entity[_property(number)] = text[start : start + PIECE]
    return entity


def _row(entity: Any) -> Row:
    pieces: list[str] = []
    while (piece := entity.get(_property(len(pieces)))) is not None:
        pieces.append(piece)
    return Row(
        partition=entity["PartitionKey"],
        key=entity["RowKey"],
        body=orjson.loads("".join(pieces)),
        etag=str(entity.metadata["etag"]),
    )


def _property(number: int) -> str:
    return f"body{number}" if number else "body"


def _stored(row: Row, answer: Mapping[str, Any]) -> Row:
    return Row(partition=row.partition, key=row.key, body=row.body, etag=str(answer["etag"]))
