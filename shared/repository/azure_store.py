"""A container in Azure Blob Storage.

A vault writes with If-None-Match and a locked version-level immutability policy, and extends it; nothing here
shortens one. Azurite answers 501 to these calls, so there a LawfulStore wraps a plain AzureBlobStore.
Timeouts and bounded retries are the SDK's.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, BinaryIO

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import BlobImmutabilityPolicyMode, BlobSasPermissions, ImmutabilityPolicy, generate_blob_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient, ExponentialRetry

from shared.errors import (
    AlreadyWritten,
    Immutable,
    Missing,
    NotARepository,
    RepositoryError,
    StoreUnavailable,
)
from shared.repository.lawful_store import LawfulStore
from shared.repository.store import BlobEntry, BlobProperties, BlobStore, retention_in

# Larger blobs go up in blocks of this size, so that a segment is never in memory as a whole.
BLOCK_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 10
CLIENTS_KEPT = 256
# A signed address holds a little earlier too, since clocks differ.
CLOCK_SKEW = timedelta(minutes=5)
READ_SECONDS = 60
# Waits of about 1, 3, 5 and 9 seconds: longer outages are for the activity's own retry.
RETRIES, FIRST_WAIT_SECONDS, WAIT_BASE_SECONDS = 4, 1, 2
# Storage's codes for "the write-once law forbids this" (Blob service error codes, Microsoft Learn).
_LAW_CODES = {"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "ImmutabilityPolicyDeleteOnLockedPolicy"}
_EXISTS_CODES = {"BlobAlreadyExists", "ConditionNotMet", "UnmodifiedBlobExists"}


def open_vault(
    location: str, container: str, *, immutability: bool, credential: AsyncTokenCredential | None = None
) -> BlobStore:
    """The vault at an account's URL or connection string; without the service's `immutability`, LawfulStore
    keeps the law."""
    if immutability:
        return AzureBlobStore(*_service(location, credential), container, immutability=True)
    return LawfulStore(AzureBlobStore(*_service(location, credential), container))


def open_workspace(
    location: str, container: str, *, credential: AsyncTokenCredential | None = None
) -> "AzureBlobStore":
    """The workspace at an account's URL or connection string."""
    return AzureBlobStore(*_service(location, credential), container)


async def create_container(location: str, container: str, *, credential: AsyncTokenCredential | None = None) -> None:
    """Make a container if there is none; for local storage, since in Azure the deployment makes them."""
    service, owned = _service(location, credential)
    try:
        with _told(container), suppress(ResourceExistsError):
            await service.create_container(container)
    finally:
        await _close(service, owned)


class AzureBlobStore:
    """One container; `owned` is a credential to be closed with it.

    `immutability` says that it is a vault whose service keeps the write-once law.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        owned: AsyncTokenCredential | None,
        container: str,
        *,
        immutability: bool = False,
    ) -> None:
        self._service = service
        self._owned = owned
        self._container: ContainerClient = service.get_container_client(container)
        self._immutability = immutability
        # A client costs more to make than a small request, and a blob is mostly asked of several times in a row.
        self._blob: Callable[[str], BlobClient] = lru_cache(CLIENTS_KEPT)(self._container.get_blob_client)

    async def put_new(
        self,
        name: str,
        content: bytes | BinaryIO,
        *,
        retain_until: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """See BlobStore; `metadata` is for LawfulStore."""
        if not isinstance(content, bytes):
            content.seek(0)
        policy = _policy(retain_until) if self._immutability and retain_until else None
        with _told(name):
            await self._blob(name).upload_blob(
                content, overwrite=False, metadata=dict(metadata or {}) or None, immutability_policy=policy
            )

    async def put(self, name: str, content: bytes) -> None:
        """See BlobStore."""
        if self._immutability:
            raise Immutable(f"{name}: the vault is write-once", remedy="Write it under a new name.")
        with _told(name):
            await self._blob(name).upload_blob(content, overwrite=True)

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        with _told(name):
            return await (await self._blob(name).download_blob()).readall()

    async def get_range(self, name: str, offset: int, length: int) -> bytes:
        """See BlobStore."""
        with _told(name):
            try:
                return await (await self._blob(name).download_blob(offset, length)).readall()
            except HttpResponseError as error:
                if error.status_code == 416:  # the range begins at or after the blob's end
                    return b""
                raise

    async def list(self, prefix: str) -> AsyncIterator[BlobEntry]:
        """See BlobStore."""
        with _told(prefix):
            include = ["immutabilitypolicy" if self._immutability else "metadata"]
            async for found in self._container.list_blobs(name_starts_with=prefix, include=include):
                policy = found.immutability_policy if self._immutability else None
                until = policy.expiry_time if policy else retention_in(found.metadata)
                yield BlobEntry(found.name, found.size, found.last_modified, until)

    async def delete(self, name: str) -> None:
        """See BlobStore.

        In a versioned account what is deleted stays as a previous version, until the account's lifecycle rule
        removes it. Azure would let a retained blob become one, so the law is asked first.
        """
        if self._immutability:
            found = await self.properties(name)
            if found is None:
                return
            if found.retain_until and found.retain_until > datetime.now(found.retain_until.tzinfo):
                raise Immutable(f"{name} is retained until {found.retain_until.isoformat()}")
        with suppress(Missing), _told(name):
            await self._blob(name).delete_blob()

    async def extend_retention(self, name: str, until: datetime) -> None:
        """See BlobStore; the service refuses to shorten a locked policy."""
        if not self._immutability:
            if await self.properties(name) is None:
                raise Missing(f"{name} is not there")
            return
        with _told(name):
            try:
                await self._blob(name).set_immutability_policy(_policy(until))
            except ResourceExistsError as error:
                raise Immutable(f"{name} is retained for longer, which cannot be shortened") from error

    async def properties(self, name: str) -> BlobProperties | None:
        """See BlobStore."""
        try:
            with _told(name):
                found = await self._blob(name).get_blob_properties()
        except Missing:
            return None
        policy = found.immutability_policy if self._immutability else None
        expires = policy.expiry_time if policy else None
        return BlobProperties(found.size, found.last_modified, expires, found.metadata or {})

    async def metadata(self, name: str) -> Mapping[str, str]:
        """The blob's metadata, or Missing."""
        with _told(name):
            return (await self._blob(name).get_blob_properties()).metadata or {}

    async def set_metadata(self, name: str, metadata: Mapping[str, str]) -> None:
        """Replace the blob's metadata, or Missing."""
        with _told(name):
            await self._blob(name).set_blob_metadata(dict(metadata))

    async def link(self, name: str, *, file_name: str, valid: timedelta) -> str:
        """An address from which anyone who has it can download the blob under this file name until it ends.

        Signed with the account's key where there is one (local storage), else with a user delegation key of Cairn's
        own identity (Azure Storage, "Create a user delegation SAS").
        """
        began = datetime.now(UTC)
        blob = self._blob(name)
        signing: dict[str, Any] = {"account_key": getattr(self._service.credential, "account_key", None)}
        if signing["account_key"] is None:
            with _told(name):
                key = await self._service.get_user_delegation_key(began - CLOCK_SKEW, began + valid)
            signing = {"user_delegation_key": key}
        token = generate_blob_sas(
            str(self._service.account_name), self._container.container_name, name,
            permission=BlobSasPermissions(read=True), start=began - CLOCK_SKEW, expiry=began + valid,
            content_disposition=f'attachment; filename="{file_name}"', content_type="text/csv; charset=utf-8",
            **signing,
        )
        return f"{blob.url}?{token}"

    async def close(self) -> None:
        """See BlobStore."""
        await _close(self._service, self._owned)


def _service(
    location: str, credential: AsyncTokenCredential | None
) -> tuple[BlobServiceClient, AsyncTokenCredential | None]:
    """The client, and the credential if it was made here and so has to be closed here."""
    options: dict[str, Any] = {
        "max_single_put_size": BLOCK_BYTES,
        "max_block_size": BLOCK_BYTES,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retry_policy": _retry(),
    }
    if location.startswith(("https://", "http://")):
        owned = None if credential else DefaultAzureCredential()
        return BlobServiceClient(location, credential or owned, **options), owned
    return BlobServiceClient.from_connection_string(location, **options), None


async def _close(service: BlobServiceClient, owned: AsyncTokenCredential | None) -> None:
    await service.close()
    if owned is not None:
        await owned.close()


def _retry() -> ExponentialRetry:
    return ExponentialRetry(FIRST_WAIT_SECONDS, WAIT_BASE_SECONDS, RETRIES)


def _policy(until: datetime) -> ImmutabilityPolicy:
    # The header has whole seconds; rounding up keeps "at least until then" true.
    whole = until.replace(microsecond=0) + timedelta(seconds=1 if until.microsecond else 0)
    return ImmutabilityPolicy(expiry_time=whole, policy_mode=BlobImmutabilityPolicyMode.LOCKED)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell the SDK's errors in the repository's own words; none of its texts, which hold addresses, go on."""
    try:
        yield
    except ResourceNotFoundError as error:
        if _code(error) == "ContainerNotFound":
            raise NotARepository("the vault's or workspace's container does not exist") from error
        raise Missing(f"{name} is not there") from error
    except HttpResponseError as error:
        code = _code(error)
        if code in _LAW_CODES:
            raise Immutable(f"{name} is under retention ({code})") from error
        if code in _EXISTS_CODES:
            raise AlreadyWritten(f"{name} exists already") from error
        status = error.status_code or 0
        if status in (401, 403, 408, 429) or status >= 500 or not status:
            raise StoreUnavailable(f"Blob Storage answered {status} {code} for {name}") from error
        raise RepositoryError(f"Blob Storage refused {name}: {status} {code}") from error
    except (AzureError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"Blob Storage did not answer for {name}: {type(error).__name__}") from error


def _code(error: HttpResponseError) -> str:
    found = getattr(error, "error_code", None) or ""
    return str(getattr(found, "value", found))
