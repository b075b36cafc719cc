"""host.json is obeyed or refused with the name of what is wrong."""

import json
import os

import pytest

from local.host.errors import WrongHostFile
from local.host.hostfile import read_host_file


def read(tmp_path, **content):
    path = tmp_path / "host.json"
    path.write_text(json.dumps({"version": "2.0", **content}))
    return read_host_file(path, {"HUB": "FromSetting"})


def test_what_is_absent_has_the_default_of_azure(tmp_path):
    host_file = read(tmp_path)
    per_core = 10 * os.cpu_count()
    assert (host_file.route_prefix, host_file.hub_name) == ("api", "TestHubName")
    assert (host_file.max_activities, host_file.max_orchestrators) == (per_core, per_core)
    assert host_file.function_timeout_seconds == 1800


def test_what_is_there_is_obeyed(tmp_path):
    host_file = read(
        tmp_path,
        functionTimeout="1.02:03:04",
        extensions={
            "http": {"routePrefix": "/v1/"},
            "durableTask": {
                "hubName": "Cairn",
                "maxConcurrentActivityFunctions": 3,
                "maxConcurrentOrchestratorFunctions": 4,
                "maxConcurrentEntityFunctions": 5,
            },
        },
    )
    assert (host_file.route_prefix, host_file.hub_name) == ("v1", "Cairn")
    assert (host_file.max_activities, host_file.max_orchestrators, host_file.max_entities) == (3, 4, 5)
    assert host_file.function_timeout_seconds == 26 * 3600 + 3 * 60 + 4


def test_no_limit_of_time_is_minus_one(tmp_path):
    assert read(tmp_path, functionTimeout="-1").function_timeout_seconds is None


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"version": "1.0"}, "version"),
        ({"functionTimeout": 300}, "functionTimeout"),
        ({"functionTimeout": "5 minutes"}, "functionTimeout"),
        ({"functionTimeout": "00:00:00"}, "functionTimeout"),
        ({"extensions": []}, "extensions"),
        ({"extensions": {"http": {"routePrefix": 1}}}, "routePrefix"),
        ({"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}, "maxConcurrentActivityFunctions"),
        (
            {"extensions": {"durableTask": {"maxConcurrentOrchestratorFunctions": True}}},
            "maxConcurrentOrchestratorFunctions",
        ),
        ({"extensions": {"durableTask": {"hubName": "no-dashes"}}}, "hubName"),
        ({"extensions": {"durableTask": {"hubName": "%UNSET%"}}}, "the setting UNSET, which is not set"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(tmp_path, content, named):
    with pytest.raises(WrongHostFile, match=named):
        read(tmp_path, **content)


def test_the_hub_may_be_named_by_a_setting(tmp_path):
    assert read(tmp_path, extensions={"durableTask": {"hubName": "%HUB%"}}).hub_name == "FromSetting"


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_file_that_is_no_host_json_is_refused(tmp_path, text):
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(WrongHostFile):
        read_host_file(tmp_path / "host.json", {})


def test_a_missing_file_is_told_with_where_it_belongs(tmp_path):
    with pytest.raises(WrongHostFile, match=r"beside function_app\.py"):
        read_host_file(tmp_path / "host.json", {})
