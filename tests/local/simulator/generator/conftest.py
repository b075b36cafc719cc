"""Generated tenants, made once a run: a small one of which everything is looked at, and one of ordinary size."""

from collections.abc import Iterator, Mapping

import pytest

from local.simulator.generator import populate
from local.simulator.schema import Schema, load_schemas
from local.simulator.store import Record, Store

TENANT_ID = "5b0f5a52-3e0c-4f0c-9d6c-0a2a7f6a1d11"


def generated(users: int, groups: int, seed: int = 3, **sizes: int) -> Store:
    """A populated store."""
    store = Store(TENANT_ID)
    store.recording = False
    populate(store, load_schemas(), users=users, groups=groups, seed=seed, **sizes)
    return store


def everything(store: Store) -> Iterator[tuple[Record, bool]]:
    """Every record, and whether it is deleted."""
    for record in store.records.values():
        yield record, False
    for entry in store.bin.values():
        yield entry.record, True


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Schema]:
    return load_schemas()


@pytest.fixture(scope="session")
def small() -> Store:
    return generated(120, 40)


@pytest.fixture(scope="session")
def ordinary() -> Store:
    return generated(2000, 400)
