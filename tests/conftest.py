"""What every test may ask for: one Azurite for the whole run, started when the first test wants it."""

from collections.abc import Iterator

import pytest

from local import azurite as azurite_process
from local.azurite import Azurite


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A serving Azurite (`.connection_string`, `.blob_endpoint`, `.table_endpoint`), shared by all: each test
    takes containers and tables of its own name."""
    running = azurite_process.start(tmp_path_factory.mktemp("azurite"))
    yield running
    azurite_process.stop(running)
