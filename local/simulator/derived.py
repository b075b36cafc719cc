"""What objects show that is not stored with them: values that follow from links or time."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from local.simulator import model
from local.simulator.errors import not_found
from local.simulator.http_types import Response
from local.simulator.reads.view import View
from local.simulator.store import Body, Record, Store

if TYPE_CHECKING:
    from local.simulator.model import Navigation

# Contained collections that a read of the parent shows without being asked
# (Get authenticationMethodsPolicy; Get permissionGrantPolicy).
ALWAYS = {
    "authenticationMethodsPolicy": ("authenticationMethodConfigurations",),
    "permissionGrantPolicy": ("includes", "excludes"),
    "authenticationStrengthPolicy": ("combinationConfigurations",),
}


class Derived:
    """Computes derived values over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, record: Record, body: Body) -> Body:
        """The body with derived properties."""
        if record.table == "conditionalAccessPolicy":
            grant = body.get("grantControls")
            strength = grant.get("authenticationStrength") if isinstance(grant, dict) else None
            if isinstance(grant, dict) and isinstance(strength, dict) and "id" in strength:
                held = self.store.get(self.store.key("authenticationStrengthPolicy", strength["id"]))
                if held is not None:
                    grant["authenticationStrength"] = held.read() | {"combinationConfigurations": []}
        return body

    def with_links(self, record: Record, body: Body) -> Body:
        """The body with the ids of stored links, so that filters can ask `owners/any()` or `members/$count`."""
        for navigation in _links_of(record.table):
            body[navigation.name] = _Lazy(self.store, record, navigation)
        return body

    def always_expanded(self, view: View, record: Record, shown: Body) -> None:
        """Add contained collections that come unasked."""
        for name in ALWAYS.get(record.table, ()):
            if view.select is not None and name not in view.select:
                continue
            navigation = model.navigation_of(record.table, name)
            if navigation is None or name in shown:
                continue
            keys = self.store.link_set(model.link_name(navigation)).targets(record.key)
            shown[name] = [
                view_all.show(each.table, each.read(), navigation.target)
                for view_all in (View(view.schema, None, unknown_enum_members=view.unknown_enum_members),)
                for key in keys
                if (each := self.store.get(key)) is not None
            ]

    def stream(self, name: str, value: Any) -> Response:
        """A stream property (logo, branding images)."""
        if not isinstance(value, str):
            raise not_found(name)
        return Response(200, base64.b64decode(value), {"content-type": "application/octet-stream"})


class _Lazy(list[Body]):
    """A relationship that is read only when a filter reaches it."""

    def __init__(self, store: Store, record: Record, navigation: Navigation) -> None:
        super().__init__()
        self._links = list(store.link_set(model.link_name(navigation)).targets(record.key))
        self._store = store

    def __len__(self) -> int:
        return len(self._links)

    def __bool__(self) -> bool:
        return bool(self._links)

    def __iter__(self) -> Any:
        return (each.read() for key in self._links if (each := self._store.get(key)) is not None)


_BY_TABLE: dict[str, list[Any]] = {}


def _links_of(table: str) -> list[Any]:
    found = _BY_TABLE.get(table)
    if found is None:
        found = _BY_TABLE[table] = [
            each for each in model.NAVIGATION if each.source == table and each.how == "link" and not each.single
        ]
    return found
