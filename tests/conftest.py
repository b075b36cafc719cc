"""What every test may ask for: one Azurite for the whole run, started when the first test wants it.

And what every property is tried under: no test fails since a loaded machine is slow to draw its examples.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from local import azurite as azurite_process
from local.azurite import Azurite

settings.register_profile("cairn", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cairn")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A serving Azurite (`.connection_string`, `.blob_endpoint`, `.table_endpoint`), shared by all: each test
    takes containers and tables of its own name."""
    running = azurite_process.start(tmp_path_factory.mktemp("azurite"))
    yield running
    azurite_process.stop(running)
