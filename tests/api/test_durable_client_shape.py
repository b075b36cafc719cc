"""The durable client of azure-functions-durable has the methods that Cairn calls, with the arguments that it gives."""

import inspect

import pytest
from azure.durable_functions import DurableFunctionsClient
from durabletask.client import OrchestrationStatus

from shared.starting import LIVING, DurableClient
from tests.api.conftest import FakeDurable

METHODS = ("schedule_new_orchestration", "get_orchestration_state", "terminate_orchestration")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("client", [DurableFunctionsClient, FakeDurable])
def test_a_method_takes_the_arguments_that_the_protocol_names(name: str, client: type) -> None:
    wanted = inspect.signature(getattr(DurableClient, name)).parameters
    real = inspect.signature(getattr(client, name)).parameters
    assert set(wanted) <= set(real)
    assert inspect.iscoroutinefunction(getattr(client, name))


def test_the_states_that_count_as_living_are_the_engines() -> None:
    ended = {"COMPLETED", "FAILED", "TERMINATED"}
    assert {status.name for status in OrchestrationStatus} == LIVING | ended
