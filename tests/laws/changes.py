"""Random changes of a simulated tenant, as an administrator or an attacker could make them."""

import random
import uuid
from collections.abc import Callable
from typing import Any


def create_user(store: Any, chance: random.Random) -> None:
    store.create("user", {
        "id": str(uuid.UUID(int=chance.getrandbits(128))), "displayName": f"New {chance.random()}",
        "userPrincipalName": f"n{chance.getrandbits(40)}@contoso.example", "accountEnabled": True,
        "userType": chance.choice(["Guest", "Member"]), "createdDateTime": store.clock.stamp(),
    })


def update(table: str, name: str) -> Callable[[Any, random.Random], None]:
    def change(store: Any, chance: random.Random) -> None:
        keys = [record.key for record in store.all(table)]
        if keys:
            key = chance.choice(keys)
            store.update(key, {**store.get(key).read(), name: f"{name} {chance.getrandbits(16)}"})

    return change


def delete(*, soft: bool) -> Callable[[Any, random.Random], None]:
    def change(store: Any, chance: random.Random) -> None:
        keys = [record.key for name in ("user", "group") for record in store.all(name)]
        if len(keys) > 5:
            store.delete(chance.choice(keys), soft=soft)

    return change


def from_the_bin(what: str) -> Callable[[Any, random.Random], None]:
    def change(store: Any, chance: random.Random) -> None:
        waiting = [deleted.record.key for name in ("user", "group") for deleted in store.deleted(name)]
        if waiting:
            getattr(store, what)(chance.choice(waiting))

    return change


def link(name: str, sources: tuple[str, ...], targets: tuple[str, ...]) -> Callable[[Any, random.Random], None]:
    def change(store: Any, chance: random.Random) -> None:
        ends = [[record.key for table in tables for record in store.all(table)] for tables in (sources, targets)]
        if all(ends):
            store.link(chance.choice(ends[0]), name, chance.choice(ends[1]))

    return change


def unlink(name: str, sources: tuple[str, ...]) -> Callable[[Any, random.Random], None]:
    def change(store: Any, chance: random.Random) -> None:
        held = [
            (record.key, target)
            for table in sources for record in store.all(table) for target in store.link_set(name).targets(record.key)
        ]
        if held:
            source, target = chance.choice(sorted(held))
            store.unlink(source, name, target)

    return change


OWNED = ("group", "application", "servicePrincipal")
CHANGES: dict[str, Callable[[Any, random.Random], None]] = {
    "create a user": create_user,
    "change a user": update("user", "department"),
    "change a group": update("group", "description"),
    "change an application": update("application", "notes"),
    "change a service principal": update("servicePrincipal", "notes"),
    "delete": delete(soft=True),
    "delete for good": delete(soft=False),
    "restore": from_the_bin("restore"),
    "purge": from_the_bin("purge"),
    "join": link("members", ("group",), ("user", "group")),
    "leave": unlink("members", ("group",)),
    "set a manager": link("manager", ("user",), ("user",)),
    "remove a manager": unlink("manager", ("user",)),
    "own": link("owners", OWNED, ("user",)),
    "disown": unlink("owners", OWNED),
}


def change_something(store: Any, chance: random.Random, times: int = 1) -> list[str]:
    """Make so many random changes and say which."""
    made = [chance.choice(list(CHANGES)) for _ in range(times)]
    for name in made:
        CHANGES[name](store, chance)
    return made
