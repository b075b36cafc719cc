"""A deployment in memory whose records are kept in its vault, and the same after every table was lost."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from shared.deployment import Deployment, records_over
from shared.rebuild.journal import kept
from shared.records.memory_table import MemoryTable
from shared.repository.format import initialise
from shared.repository.lawful_store import LawfulStore
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.settings import read_settings


def over(vault, tmp_path: Path) -> Deployment:
    tables = defaultdict(MemoryTable)
    records = records_over(lambda name: kept(name, tables[name], vault))
    return Deployment(
        read_settings({}), records, vault, MemoryBlobStore(), LocalTokenCipher(tmp_path / "key"), None,
        tables.__getitem__,
    )


@pytest.fixture
async def deployment(tmp_path) -> Deployment:
    vault = LawfulStore(MemoryBlobStore())
    await initialise(vault)
    return over(vault, tmp_path)


@pytest.fixture
def after_the_loss(deployment, tmp_path):
    """The same vault, and nothing else."""
    return lambda: replace(over(deployment.vault, tmp_path))
