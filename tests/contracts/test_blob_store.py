"""What every blob store promises, on memory and on Azurite; and the immutability calls that only Azure can
answer."""

import io
import tempfile
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

from shared.errors import AlreadyWritten, Immutable, Missing, NotARepository, RepositoryError, StoreUnavailable
from shared.repository.azure_store import AzureBlobStore, create_container, open_vault, open_workspace
from shared.repository.lawful_store import LawfulStore
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.retention import put_same
from shared.repository.store import BlobStore, at_once

SOON = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(params=["memory", "azurite"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[tuple[BlobStore, BlobStore]]:
    """A vault and a workspace, empty."""
    if request.param == "memory":
        yield LawfulStore(MemoryBlobStore()), MemoryBlobStore()
        return
    location = request.getfixturevalue("azurite").connection_string
    container = f"contract-{uuid.uuid4().hex}"
    for suffix in ("v", "w"):
        await create_container(location, container + suffix)
        await create_container(location, container + suffix)
    vault = open_vault(location, container + "v", immutability=False)
    workspace = open_workspace(location, container + "w")
    yield vault, workspace
    await vault.close()
    await workspace.close()


@pytest.fixture
def vault(stores: tuple[BlobStore, BlobStore]) -> BlobStore:
    return stores[0]


@pytest.fixture
def workspace(stores: tuple[BlobStore, BlobStore]) -> BlobStore:
    return stores[1]


async def test_what_was_put_is_got(vault: BlobStore) -> None:
    await vault.put_new("a/b", b"0123456789")
    assert await vault.get("a/b") == b"0123456789"
    assert await vault.get_range("a/b", 3, 4) == b"3456"
    found = await vault.properties("a/b")
    assert found is not None
    assert (found.size, found.retain_until) == (10, None)
    assert abs(found.modified - now()) < timedelta(minutes=5)


async def test_a_range_stops_where_the_blob_ends(vault: BlobStore) -> None:
    await vault.put_new("a", b"0123456789")
    assert await vault.get_range("a", 8, 100) == b"89"
    assert await vault.get_range("a", 10, 5) == b""
    assert await vault.get_range("a", 11, 5) == b""


async def test_an_empty_blob_is_a_blob(vault: BlobStore) -> None:
    await vault.put_new("a", b"")
    assert await vault.get("a") == b""
    assert await vault.get_range("a", 0, 5) == b""


async def test_a_file_is_put_from_its_beginning(vault: BlobStore) -> None:
    content = bytes(range(256)) * 80_000  # 20 MB: goes up in blocks
    with tempfile.SpooledTemporaryFile(max_size=1_000) as file:
        file.write(content)
        await vault.put_new("large", file)  # type: ignore[arg-type]
        with pytest.raises(AlreadyWritten):
            await vault.put_new("large", file)  # type: ignore[arg-type]
    assert await vault.get("large") == content
    await vault.put_new("small", io.BytesIO(b"abc"))
    assert await vault.get("small") == b"abc"


async def test_a_blob_is_written_once(vault: BlobStore) -> None:
    await vault.put_new("a", b"first")
    with pytest.raises(AlreadyWritten):
        await vault.put_new("a", b"second")
    with pytest.raises(Immutable):
        await vault.put("a", b"third")
    with pytest.raises(Immutable):
        await vault.put("b", b"not even new")
    assert await vault.get("a") == b"first"


async def test_what_is_not_there_is_missing(vault: BlobStore) -> None:
    with pytest.raises(Missing):
        await vault.get("none")
    with pytest.raises(Missing):
        await vault.get_range("none", 0, 1)
    with pytest.raises(Missing):
        await vault.extend_retention("none", now() + SOON)
    assert await vault.properties("none") is None
    await vault.delete("none")


async def test_a_listing_is_by_name_and_whole(vault: BlobStore) -> None:
    names = ["a/1", "a/10", "a/2", "b/1", "a-1"]
    for name in names:
        await vault.put_new(name, name.encode())
    assert [(entry.name, entry.size) async for entry in vault.list("a/")] == [("a/1", 3), ("a/10", 4), ("a/2", 3)]
    assert [entry.name async for entry in vault.list("")] == sorted(names)
    assert [entry.name async for entry in vault.list("c")] == []


async def test_a_retained_blob_is_not_deleted_early(vault: BlobStore) -> None:
    await vault.put_new("a", b"x", retain_until=now() + SOON)
    with pytest.raises(Immutable):
        await vault.delete("a")
    assert await vault.get("a") == b"x"


async def test_a_blob_whose_retention_ended_is_deleted(vault: BlobStore) -> None:
    await vault.put_new("a", b"x", retain_until=now() - SOON)
    await vault.delete("a")
    assert await vault.properties("a") is None
    await vault.put_new("a", b"y")
    await vault.delete("a")
    with pytest.raises(Missing):
        await vault.get("a")


async def test_retention_is_extended_and_never_shortened(vault: BlobStore) -> None:
    later = (now() + 2 * SOON).replace(microsecond=0)
    await vault.put_new("a", b"x")
    await vault.extend_retention("a", later - SOON)
    await vault.extend_retention("a", later)
    await vault.extend_retention("a", later)
    with pytest.raises(Immutable):
        await vault.extend_retention("a", later - SOON)
    found = await vault.properties("a")
    assert found is not None
    assert found.retain_until == later
    with pytest.raises(Immutable):
        await vault.delete("a")


async def test_a_workspace_is_overwritten_and_deleted(workspace: BlobStore) -> None:
    await workspace.put("a", b"first")
    await workspace.put("a", b"second")
    assert await workspace.get("a") == b"second"
    with pytest.raises(AlreadyWritten):
        await workspace.put_new("a", b"third")
    await workspace.delete("a")
    assert await workspace.properties("a") is None
    await workspace.delete("a")


async def test_a_store_may_be_closed_twice(vault: BlobStore) -> None:
    await vault.put_new("a", b"x")
    await vault.close()
    await vault.close()


# The real immutability calls: Azurite answers them with 501, so they are held by the requests that leave.


class RecordedAnswer(AsyncHttpResponse):
    pass


class Recorder(AsyncHttpTransport[Any, Any]):
    """Answers every request from a list of (status, headers) and keeps what was asked."""

    def __init__(self, answers: list[tuple[int, dict[str, str]]], body: bytes = b"") -> None:
        self.answers = answers
        self.body = body
        self.requests: list[Any] = []

    async def send(self, request: Any, **_: Any) -> Any:
        from azure.core.pipeline.transport import AioHttpTransportResponse
        from multidict import CIMultiDict, CIMultiDictProxy

        self.requests.append(request)
        status, headers = self.answers.pop(0)
        body = self.body

        class Inner:
            def __init__(self) -> None:
                self.status = status
                self.reason = "recorded"
                self.headers = CIMultiDictProxy(CIMultiDict({"content-type": "application/xml", **headers}))

            async def read(self) -> bytes:
                return body

        response = AioHttpTransportResponse(request, Inner())  # type: ignore[arg-type]
        response._content = body
        return response

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


def recorded(*answers: tuple[int, dict[str, str]]) -> tuple[AzureBlobStore, Recorder]:
    transport = Recorder(list(answers))
    service = BlobServiceClient(
        "https://example.blob.core.windows.net",
        credential={"account_name": "example", "account_key": "a2V5"},
        transport=transport,
        retry_policy=ExponentialRetry(retry_total=0, initial_backoff=0, increment_base=1),
    )
    return AzureBlobStore(service, None, "vault", immutability=True), transport


CREATED = {"etag": '"1"', "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT"}
UNTIL = datetime(2031, 11, 20, 10, 0, 0, 500_000, tzinfo=UTC)


async def test_a_vault_writes_once_under_a_locked_policy() -> None:
    store, transport = recorded((201, CREATED))
    await store.put_new("a", b"x", retain_until=UNTIL)
    [request] = transport.requests
    assert request.method == "PUT"
    assert request.headers["If-None-Match"] == "*"
    assert request.headers["x-ms-immutability-policy-mode"] == "Locked"
    assert request.headers["x-ms-immutability-policy-until-date"] == "Thu, 20 Nov 2031 10:00:01 GMT", "rounded up"


async def test_a_large_segment_is_committed_under_the_same_conditions() -> None:
    store, transport = recorded((201, {}), (201, {}), (201, CREATED))
    client = store._service
    client._config.max_single_put_size = 1_000  # type: ignore[attr-defined]
    client._config.max_block_size = 5_000  # type: ignore[attr-defined]
    await store.put_new("a", io.BytesIO(b"x" * 9_000), retain_until=UNTIL)
    commit = transport.requests[-1]
    assert "comp=blocklist" in commit.url
    assert commit.headers["If-None-Match"] == "*"
    assert commit.headers["x-ms-immutability-policy-mode"] == "Locked"


async def test_a_vaults_listing_tells_retention() -> None:
    store, transport = recorded((200, {}))
    transport.body = b"""<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="vault"><Blobs><Blob>
        <Name>a</Name><Properties><Content-Length>7</Content-Length><BlobType>BlockBlob</BlobType>
        <Last-Modified>Sat, 21 Nov 2026 10:00:00 GMT</Last-Modified>
        <ImmutabilityPolicyUntilDate>Thu, 20 Nov 2031 10:00:00 GMT</ImmutabilityPolicyUntilDate>
        <ImmutabilityPolicyMode>locked</ImmutabilityPolicyMode></Properties></Blob></Blobs><NextMarker/>
        </EnumerationResults>"""
    assert [(one.name, one.size, one.retain_until) async for one in store.list("a")] == [
        ("a", 7, datetime(2031, 11, 20, 10, tzinfo=UTC))
    ]
    assert "include=immutabilitypolicy" in transport.requests[0].url


async def test_a_listing_tells_retention(vault: BlobStore) -> None:
    until = (now() + SOON).replace(microsecond=0)
    await vault.put_new("a", b"x", retain_until=until)
    await vault.put_new("b", b"x")
    assert [one.retain_until async for one in vault.list("")] == [until, None]


async def test_the_same_may_be_written_again_and_nothing_else(vault: BlobStore) -> None:
    await put_same(vault, "a", b"x")
    await put_same(vault, "a", b"x", retain_until=now() + SOON)
    with pytest.raises(AlreadyWritten):
        await put_same(vault, "a", b"y")
    with pytest.raises(Immutable):
        await vault.delete("a")


async def test_the_first_failure_ends_all_calls_at_once() -> None:
    vault = LawfulStore(MemoryBlobStore())
    with pytest.raises(Missing):
        await at_once([vault.get(f"none-{n}") for n in range(40)], 2)


async def test_retention_is_extended_by_the_services_own_call() -> None:
    store, transport = recorded((200, {}))
    await store.extend_retention("a", UNTIL)
    [request] = transport.requests
    assert (request.method, request.url.partition("?")[2]) == ("PUT", "comp=immutabilityPolicies")
    assert request.headers["x-ms-immutability-policy-mode"] == "Locked"
    assert request.headers["x-ms-immutability-policy-until-date"] == "Thu, 20 Nov 2031 10:00:01 GMT"


async def test_a_retained_blob_is_not_even_asked_to_be_deleted() -> None:
    later = (now() + SOON).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = CREATED | {
        "content-length": "1",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-immutability-policy-until-date": later,
        "x-ms-immutability-policy-mode": "locked",
    }
    store, transport = recorded((200, headers))
    with pytest.raises(Immutable):
        await store.delete("a")
    assert [request.method for request in transport.requests] == ["HEAD"]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "BlobAlreadyExists", AlreadyWritten),
        (412, "ConditionNotMet", AlreadyWritten),
        (409, "BlobImmutableDueToPolicy", Immutable),
        (403, "AuthorizationPermissionMismatch", StoreUnavailable),
        (404, "ContainerNotFound", NotARepository),
        (404, "BlobNotFound", Missing),
        (500, "InternalError", StoreUnavailable),
        (503, "ServerBusy", StoreUnavailable),
        (400, "InvalidHeaderValue", RepositoryError),
    ],
)
async def test_storage_errors_are_told_in_the_repositorys_words(
    status: int, code: str, expected: type[Exception]
) -> None:
    store, _ = recorded((status, {"x-ms-error-code": code}))
    with pytest.raises(expected) as raised:
        await store.put_new("a", b"x")
    assert type(raised.value) is expected
    assert "blob.core" not in str(raised.value)


async def test_shortening_is_refused_by_the_service() -> None:
    store, _ = recorded((409, {"x-ms-error-code": "ImmutabilityPolicyShorter"}))
    with pytest.raises(Immutable):
        await store.extend_retention("a", UNTIL)


async def test_a_store_that_is_not_there_is_unavailable() -> None:
    service = BlobServiceClient(
        "http://127.0.0.1:9/example",
        credential={"account_name": "example", "account_key": "a2V5"},
        retry_policy=ExponentialRetry(retry_total=0, initial_backoff=0, increment_base=1),
    )
    store = AzureBlobStore(service, None, "vault")
    with pytest.raises(StoreUnavailable):
        await store.get("a")
    await store.close()
