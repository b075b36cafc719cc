"""One write in progress: who asks for what, the tenant it is asked of, and how answers to writes look.

Every rule module gets a `Write`; nothing but the store's recording interface changes anything, so that delta, audit
log and the plain dump agree.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.simulator import model
from local.simulator.errors import denied, not_found
from local.simulator.http_types import Request, Response, json_response
from local.simulator.reads.view import View
from local.simulator.routing import Target
from local.simulator.schema import Schema
from local.simulator.store import Body, Record, Store

if TYPE_CHECKING:
    from local.simulator.access.tokens import Caller
    from local.simulator.tenant import Tenant

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"


@dataclass(slots=True)
class Write:
    """One request that changes the tenant."""

    tenant: Tenant
    request: Request
    target: Target
    caller: Caller
    links: list[tuple[str, str]] = field(default_factory=list)  # name and target: made once the object exists

    @property
    def store(self) -> Store:
        """The tenant's store."""
        return self.tenant.store

    @property
    def schema(self) -> Schema:
        """The schema of the version that was asked."""
        return self.tenant.schemas[self.target.version]

    @property
    def now(self) -> str:
        """The tenant's time as Graph writes it."""
        return self.tenant.clock.stamp()

    @property
    def app_only(self) -> bool:
        """Whether no user stands behind the request."""
        return self.caller.kind != "user"

    def may(self, permission: str) -> bool:
        """Whether the token carries a permission, as an app role or as a scope."""
        return permission in self.caller.roles or permission in self.caller.scopes

    def require(self, *permissions: str) -> None:
        """403 unless the token carries one of the permissions."""
        if not any(self.may(each) for each in permissions):
            raise denied()

    def find(self, key: str, *tables: str) -> Record | None:
        """A living object that replication shows already; of one of the tables when any are named."""
        record = self.store.get(key.lower()) or self.store.get(key)
        if record is None or self.tenant.hidden(record) or (tables and record.table not in tables):
            return None
        return record

    def held(self, table: str, object_id: str) -> Record | None:
        """A living object by table and id, names included."""
        record = self.store.get(self.store.key(table, object_id))
        return None if record is None or record.table != table or self.tenant.hidden(record) else record

    def first(self, table: str) -> Record | None:
        """The single object of a table, or its first."""
        return next(iter(self.store.all(table)), None)

    def record(self) -> Record:
        """The object that the path addresses, or 404."""
        record = self.target.record
        if record is None or self.tenant.hidden(record):
            missing = self.target.missing_key or {}
            named = self.target.navigation.name if self.target.navigation else ""
            raise not_found(next(iter(missing.values()), named))
        return record

    def parent(self) -> Record:
        """The object whose navigation the path addresses, or 404."""
        parent = self.target.parent
        if parent is None or self.tenant.hidden(parent):
            raise not_found(parent.key if parent else self.target.template)
        return parent

    def shown(self, record: Record) -> Body:
        """An object as a write answers it: the default properties."""
        view = View(
            self.schema, None, single=True,
            unknown_enum_members=self.request.prefers("include-unknown-enum-members"),
        )  # fmt: skip
        declared = self.target.entity_set.type if self.target.entity_set else ""
        body = view.show(record.table, self.tenant.derived.read(record, record.read()), declared)
        self.tenant.derived.always_expanded(view, record, body)
        return body

    def created(self, record: Record, extra: Body | None = None) -> Response:
        """201 with the object and its address."""
        body = record.read()
        location = f"{self.request.root}{self.request.path.rstrip('/')}/{body.get('id') or body.get('tenantId', '')}"
        told = {"@odata.context": self.context(entity=True), **self.shown(record), **(extra or {})}
        return json_response(201, told, {"location": location})

    def updated(self, record: Record) -> Response:
        """200 with the object, for the types whose PATCH answers it."""
        return json_response(200, {"@odata.context": self.context(entity=True), **self.shown(record)})

    def context(self, *, entity: bool = False) -> str:
        """The `@odata.context` of the answer."""
        name = self.target.entity_set.path if self.target.entity_set else self.target.template
        return f"{self.request.root}/{self.target.version}/$metadata#{name}{'/$entity' if entity else ''}"

    def value(self, kind: str, value: Any, status: int = 200) -> Response:
        """The answer of an action: a complex object with its context."""
        context = f"{self.request.root}/{self.target.version}/$metadata#{kind}"
        return json_response(status, {"@odata.context": context, **value})

    def type_of(self, record: Record) -> str:
        """An object's type."""
        return model.type_of(record.table, record.read())


def no_content() -> Response:
    """204."""
    return Response(204)


def new_id() -> str:
    """An id as the service assigns them."""
    return str(uuid.uuid4())


def edit(write: Write, record: Record, **properties: Any) -> Record:
    """Set properties of an object; keyword names are property names."""
    return write.store.update(record.key, record.read() | properties)
