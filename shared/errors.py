"""What can go wrong in Cairn, as one tree.

    CairnError
    ├─ EntraError
    │    Throttled†  Unavailable†  NotPermitted  NotFound  Changed  Rejected  TokenExpired  SignInFailed  Garbled†
    ├─ RepositoryError
    │    NotARepository  UnknownFormat  Missing  Corrupt  BaseDamaged  AlreadyWritten  Immutable  StoreUnavailable†
    ├─ RecoveryError
    │    PlanUnsafe  PlanStale  NotRestorable
    ├─ RecordError
    │    UnknownTenant  DuplicateTenant  UnknownRecord  Busy
    ├─ CatalogError       a row is wrong; raised at import
    └─ SettingsError      a setting is wrong: its name, what was expected, what was found

† is worth another try; `retryable` says so and is read in one place each (the Graph transport, the activity boundary).
Every error carries `remedy`: what the operator can do about it. No message holds a secret or a personal value.
"""

from typing import ClassVar


class CairnError(Exception):
    """Any failure that Cairn knows; `str()` is what happened, `remedy` is what to do."""

    retryable: ClassVar[bool] = False
    default_remedy: ClassVar[str] = "Look at the task's events; if they do not explain it, open an issue with its id."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy or self.default_remedy


class EntraError(CairnError):
    """Microsoft Graph or the token endpoint did not do what was asked."""

    def __init__(
        self, message: str, *, status: int = 0, code: str = "", request_id: str = "", remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code
        self.request_id = request_id


class Throttled(EntraError):
    """429: over the quota; `wait_seconds` is Graph's Retry-After, or None where it gave none."""

    retryable = True
    default_remedy = "Wait: Cairn retries by itself. If it goes on, another application is using up the tenant's quota."

    def __init__(
        self, message: str, *, wait_seconds: float | None = None, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, status=429, code=code, request_id=request_id)
        self.wait_seconds = wait_seconds


class Unavailable(EntraError):
    """5xx, a timeout or a cut connection, after the transport's own retries."""

    retryable = True
    default_remedy = "Wait and run it again; if it goes on, look at the service health of Microsoft Graph."


class Garbled(EntraError):
    """An answer that is not what its content type says: not JSON, cut short, or without `value`."""

    retryable = True
    default_remedy = "Run it again; if it goes on, something between Cairn and Microsoft Graph changes the answers."


class NotPermitted(EntraError):
    """403 (or 401 with a fresh token): a permission, role or licence is missing; `permission` names it if known."""

    default_remedy = "Grant the permission named here to Cairn's app registration and give admin consent."

    def __init__(
        self, message: str, *, permission: str = "", status: int = 403, code: str = "", request_id: str = "",
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id, remedy=remedy)
        self.permission = permission


class NotFound(EntraError):
    """404: gone, not yet replicated, or something that the request refers to is missing."""

    default_remedy = "Check that the object exists; one created a moment ago may need some minutes to be seen."


class Changed(EntraError):
    """409 or 412: somebody else's change stands in the way."""

    default_remedy = "Compare again and make a new plan."


class Rejected(EntraError):
    """400 and other refusals: Graph will not take this request however often it is sent."""

    default_remedy = "The request itself must change; the message is Graph's own."


class TokenExpired(EntraError):
    """A delta token that Graph no longer honours (410, syncStateNotFound, resyncRequired): read in full again."""

    default_remedy = "Nothing: the next read of this type is a full one."


class SignInFailed(EntraError):
    """The token endpoint refused Cairn's own credentials."""

    default_remedy = "Check the tenant id, the client id, the credential and its expiry, and that the app is enabled."


class RepositoryError(CairnError):
    """The backup repository is not as it should be, or could not be reached."""


class NotARepository(RepositoryError):
    """There is no repository of Cairn's at this address."""

    default_remedy = "Check the vault's address; the first backup of a new vault creates the repository."


class UnknownFormat(RepositoryError):
    """Written by a Cairn that this one does not know."""

    default_remedy = "Use the newer version of Cairn that wrote it."


class Missing(RepositoryError):
    """A blob that a manifest names is not there."""

    default_remedy = "Run verify to see what else is missing, and recover the blob from the vault's soft delete."


class Corrupt(RepositoryError):
    """A blob's content is not what its name or its manifest says."""

    default_remedy = "Run verify to see what else is damaged, and recover the blob from the vault's soft delete."


class BaseDamaged(RepositoryError):
    """The restore point that a backup builds on is damaged, and the damage is noted."""

    default_remedy = (
        "Run the backup again: what is damaged is read in full and written anew. For the old restore point, recover "
        "the blob from the vault's previous versions or soft delete."
    )


class AlreadyWritten(RepositoryError):
    """A write-once blob of that name exists with other content."""

    default_remedy = "Nothing was changed. Run it again; if it goes on, two Cairns write to one vault."


class Immutable(RepositoryError):
    """A blob may not be deleted yet, or its retention may not be shortened."""

    default_remedy = "Wait until the restore points that hold it have expired."


class StoreUnavailable(RepositoryError):
    """Blob or Table Storage did not answer, or refused Cairn's identity."""

    retryable = True
    default_remedy = "Check the storage account's health and the roles of Cairn's identity, then run it again."


class RecoveryError(CairnError):
    """A restore cannot go on as asked."""


class PlanUnsafe(RecoveryError):
    """A plan that would delete or disable more than the threshold allows."""

    def __init__(self, message: str, *, count: int, threshold: int, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.count = count
        self.threshold = threshold


class PlanStale(RecoveryError):
    """The tenant moved on since the plan was made."""


class NotRestorable(RecoveryError):
    """Microsoft Graph offers no way to bring this back; the message says why."""


class RecordError(CairnError):
    """What was asked for is not in, or may not go into, the records."""


class UnknownTenant(RecordError):
    """No such tenant is registered here, or the caller may not see it."""

    default_remedy = "List the tenants with GET /api/v1/tenants, or register this one with POST."


class DuplicateTenant(RecordError):
    """That tenant is registered already."""

    default_remedy = "Change it with PATCH /api/v1/tenants/{tenantId}."


class UnknownRecord(RecordError):
    """No such task, event, restore point or report in this tenant."""

    default_remedy = "List what there is and use an id from the list."


class Busy(RecordError):
    """An operation of this kind is running for the tenant; `task_id` is it."""

    default_remedy = "Wait for the running task, or cancel it."

    def __init__(self, message: str, *, task_id: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.task_id = task_id


class CatalogError(CairnError):
    """A row of the catalog is wrong."""

    default_remedy = "Mend the row; the message says which and how."


class SettingsError(CairnError):
    """A setting is missing or wrong."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"{name}: expected {expected}, found {found}", remedy=f"Set {name} to {expected}.")
        self.name = name
        self.expected = expected
        self.found = found
