"""One law for every table: in memory and in Table Storage (Azurite)."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.records.azure_table import AzureTable
from shared.records.memory_table import MemoryTable
from shared.records.table import Row, RowChanged, RowExists, Table, key_of, walk


@pytest.fixture(params=["memory", "azurite"])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Table]:
    if request.param == "memory":
        yield MemoryTable()
        return
    azurite: Any = request.getfixturevalue("azurite")
    async with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        stored = AzureTable(service.get_table_client(f"t{uuid.uuid4().hex}"))
        await stored.create()
        await stored.create()
        yield stored


async def test_a_row_comes_back_as_it_was_stored(table: Table) -> None:
    body = {"text": 'a "quoted" £ 漢字 😀', "number": 3, "nested": {"list": [1, None, True]}, "empty": ""}
    stored = await table.insert(Row("p", "k", body))
    found = await table.get("p", "k")
    assert found is not None
    assert (found.body, found.etag) == (body, stored.etag)
    assert await table.get("p", "other") is None


async def test_inserting_a_row_twice_is_refused(table: Table) -> None:
    await table.insert(Row("p", "k", {"n": 1}))
    with pytest.raises(RowExists):
        await table.insert(Row("p", "k", {"n": 2}))
    found = await table.get("p", "k")
    assert found is not None
    assert found.body == {"n": 1}


async def test_upsert_replaces_whatever_was_there(table: Table) -> None:
    await table.upsert(Row("p", "k", {"a": 1}))
    await table.upsert(Row("p", "k", {"b": 2}))
    found = await table.get("p", "k")
    assert found is not None
    assert found.body == {"b": 2}


async def test_an_update_needs_the_etag_of_what_is_stored(table: Table) -> None:
    first = await table.insert(Row("p", "k", {"n": 1}))
    second = await table.update(first.with_body({"n": 2}))
    assert second.etag != first.etag
    with pytest.raises(RowChanged):
        await table.update(first.with_body({"n": 3}))
    found = await table.get("p", "k")
    assert found is not None
    assert (found.body, found.etag) == ({"n": 2}, second.etag)


async def test_updating_a_row_that_is_gone_is_refused(table: Table) -> None:
    row = await table.insert(Row("p", "k", {"n": 1}))
    assert await table.delete("p", "k")
    with pytest.raises(RowChanged):
        await table.update(row)


async def test_a_query_gives_the_keys_between_in_order(table: Table) -> None:
    for key in ("b", "d", "a", "c", "e"):
        await table.insert(Row("p", key, {"key": key}))
    await table.insert(Row("q", "c", {}))
    assert [row.key for row in await table.query("p")] == ["a", "b", "c", "d", "e"]
    assert [row.key for row in await table.query("p", after="b", before="e")] == ["c", "d"]
    assert [row.key for row in await table.query("p", after="a", limit=2)] == ["b", "c"]
    assert await table.query("nothing") == []


async def test_walking_a_partition_gives_every_row_once_whatever_the_page(table: Table) -> None:
    keys = [f"{number:03d}" for number in range(23)]
    for key in keys:
        await table.insert(Row("p", key, {}))
    for page in (1, 7, 23, 100):
        assert [row.key async for row in walk(table, "p", page=page)] == keys
    assert [row.key async for row in walk(table, "p", after="019", page=2)] == ["020", "021", "022"]


async def test_deleting_says_whether_the_row_was_there(table: Table) -> None:
    await table.insert(Row("p", "k", {}))
    assert await table.delete("p", "k")
    assert not await table.delete("p", "k")


async def test_deleting_with_an_old_etag_is_refused(table: Table) -> None:
    first = await table.insert(Row("p", "k", {"n": 1}))
    second = await table.update(first.with_body({"n": 2}))
    with pytest.raises(RowChanged):
        await table.delete("p", "k", etag=first.etag)
    assert await table.delete("p", "k", etag=second.etag)


@pytest.mark.parametrize("character", ["x", "😀"])
async def test_a_body_of_many_thousand_characters_comes_back_whole(table: Table, character: str) -> None:
    body = {"long": character * 70_000}
    await table.insert(Row("p", "k", body))
    found = await table.get("p", "k")
    assert found is not None
    assert found.body == body
    await table.upsert(Row("p", "k", {"short": 1}))
    found = await table.get("p", "k")
    assert found is not None
    assert found.body == {"short": 1}


@pytest.mark.parametrize("key", ["", "a/b", "a#b", "a?b", "a\\b", "a'b", "a b", "a\n", "ä", "x" * 513])
def test_a_key_shaped_by_raw_input_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="table key"):
        Row("p", key, {})


def test_texts_that_join_alike_have_different_keys() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a/b\ud800") != key_of("a/b")
