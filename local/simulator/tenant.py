"""One simulated tenant with all that answers for it: store, schema, access, faults, request log."""

from __future__ import annotations

import secrets
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.simulator.access.tokens import Caller
from local.simulator.clock import Clock
from local.simulator.credentials import Credentials
from local.simulator.derived import Derived
from local.simulator.faults.rewind import Rewound
from local.simulator.faults.rules import Faults
from local.simulator.faults.throttle import Throttle
from local.simulator.requestlog import RequestLog
from local.simulator.routing import Resolver
from local.simulator.schema import Schema, load_schemas
from local.simulator.store import Body, Change, Record, Store

CURSORS = 2000


class Cursors:
    """Stored results of sorted queries, the oldest forgotten first."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, list[str]] = OrderedDict()
        self._ids: dict[int, str] = {}

    def keep(self, keys: list[str]) -> str:
        """An id under which the result can be gone on with."""
        known = self._ids.get(id(keys))
        if known is not None and self._held.get(known) is keys:
            return known
        cursor_id = secrets.token_hex(8)
        self._held[cursor_id] = keys
        self._ids[id(keys)] = cursor_id
        while len(self._held) > CURSORS:
            _, old = self._held.popitem(last=False)
            self._ids.pop(id(old), None)
        return cursor_id

    def get(self, cursor_id: str) -> list[str] | None:
        """The result, or None when it was forgotten."""
        return self._held.get(cursor_id)


@dataclass
class Tenant:
    """Everything that belongs to one tenant."""

    store: Store
    schemas: Mapping[str, Schema]
    credentials: Credentials
    resolvers: dict[str, Resolver] = field(default_factory=dict)
    cursors: Cursors = field(default_factory=Cursors)
    hidden_until: dict[str, float] = field(default_factory=dict)
    rewound: Rewound | None = None  # while a stale read is being answered
    schedules_due: float = 0.0  # when the next PIM schedule starts or ends; 0: to be found out
    delta_rounds: dict[Any, dict[str, list[Change]]] = field(default_factory=dict)
    recovery_changes: dict[str, list[Body]] = field(default_factory=dict)  # by job of Microsoft's own recovery
    caller: Caller | None = None  # of the request being answered

    def __post_init__(self) -> None:
        self.derived = Derived(self.store)
        for version, schema in self.schemas.items():
            self.resolvers[version] = Resolver(version, schema, self.store)
        self.faults = Faults(self)
        self.throttle = Throttle(self)
        self.requests = RequestLog()

    @property
    def id(self) -> str:
        """The tenant's id."""
        return self.store.tenant_id

    @property
    def clock(self) -> Clock:
        """The tenant's virtual clock."""
        return self.store.clock

    def hidden(self, record: Record) -> bool:
        """Whether replication lag keeps a new object from reads and links for now."""
        if not self.hidden_until:
            return False
        until = self.hidden_until.get(record.key)
        if until is None:
            return False
        if self.clock.now() >= until:
            del self.hidden_until[record.key]
            return False
        return True

    def delta_horizon(self) -> int:
        """The log position up to which delta may tell: changes that lag keeps back come later."""
        horizon = self.store.seq if self.rewound is None else self.rewound.seq
        for key in list(self.hidden_until):
            record = self.store.get(key)
            if record is not None and self.hidden(record):
                born = next(change.seq for change in reversed(self.store.table(record.table).log)
                            if change.key == key and change.kind in ("create", "restore"))  # fmt: skip
                horizon = min(horizon, born - 1)
        return horizon


def new_tenant(users: int, groups: int, seed: int) -> Tenant:
    """A generated tenant; equal arguments give equal tenants, ids and the administrator's secret included."""
    from local.simulator.generator import populate

    tenant_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"cairn-simulator/{seed}"))
    store = Store(tenant_id)
    store.recording = False
    schemas = load_schemas()
    credentials = populate(store, schemas, users=users, groups=groups, seed=seed)
    store.recording = True
    return Tenant(store, schemas, credentials)
