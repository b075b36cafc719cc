"""Values that only one object may have: names among living and soft-deleted ones alike, addresses among the living.

That soft-deleted objects still hold their names is how the recycle bin behaves as far as is known: unconfirmed for
userPrincipalName and identifierUris (Recover from deletions). Their addresses may be taken by others meanwhile, which a
restore then settles (Restore deleted directory object item).
"""

from __future__ import annotations

from collections.abc import Iterable

from local.simulator.store import Body, Record, Store
from local.simulator.writes import refusals


def holder(store: Store, table: str, name: str, value: str) -> Record | None:
    """The living object of a type that has a value."""
    return next(iter(store.find(table, name, value)), None)


def binned(store: Store, table: str, name: str, value: str) -> Record | None:
    """The soft-deleted object of a type that has a value."""
    wanted = value.casefold()
    for entry in store.deleted(table):
        held = entry.record.read().get(name)
        values = held if isinstance(held, list) else [held]
        if any(isinstance(each, str) and each.casefold() == wanted for each in values):
            return entry.record
    return None


def check(store: Store, table: str, name: str, value: str, besides: str = "") -> None:
    """Refuse a value that another object of the type has; `besides` is the key of the object itself."""
    for found in (holder(store, table, name, value), binned(store, table, name, value)):
        if found is not None and found.key != besides:
            raise refusals.taken(name)


def check_addresses(store: Store, addresses: Iterable[str], besides: str = "") -> None:
    """Refuse proxy addresses that a living user, group or contact has."""
    for address in addresses:
        for table in ("user", "group", "orgContact"):
            found = holder(store, table, "proxyAddresses", address)
            if found is not None and found.key != besides:
                raise refusals.taken("proxyAddresses")


def primary(addresses: Iterable[str], mail: str | None) -> list[str]:
    """Proxy addresses with `mail` as the primary one; the old primary stays as an alias."""
    aliases = []
    for each in addresses:
        scheme, _, address = each.partition(":")
        if scheme.lower() != "smtp":
            aliases.append(each)
        elif mail is None or address.casefold() != mail.casefold():
            aliases.append(f"smtp:{address}")
    return ([f"SMTP:{mail}"] if mail else []) + aliases


def addresses_of(body: Body) -> list[str]:
    """The proxy addresses of an object."""
    return [each for each in body.get("proxyAddresses") or () if isinstance(each, str)]
