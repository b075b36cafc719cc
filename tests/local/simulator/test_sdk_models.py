"""Whatever the simulator shows, Microsoft's models know every property of it; and delta is where Graph has it."""

import importlib
import re
from typing import Any

import httpx
import orjson
import pytest
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory

from local.simulator import Simulator, model

# kiota's models warn of their own names when first imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def parsed(package: str, type_name: str, shown: dict[str, Any]) -> Any:
    *spaces, name = type_name.split(".")
    path = [re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in (*spaces, name)]
    module = importlib.import_module(f"{package}.generated.models.{'.'.join(path)}")
    node = JsonParseNodeFactory().get_root_parse_node("application/json", orjson.dumps(shown))
    return node.get_object_value(getattr(module, name[0].upper() + name[1:]))


def unknown(parsed_value: Any) -> set[str]:
    return {name for name in parsed_value.additional_data if "@" not in name}


@pytest.mark.parametrize(("version", "package"), [("v1.0", "msgraph"), ("beta", "msgraph_beta")])
async def test_every_shown_property_is_known_to_the_sdk(
    simulator: Simulator, graph: httpx.AsyncClient, version: str, package: str
) -> None:
    simulator.tenant.throttle.set(1e6, {})
    seen = 0
    for each in model.SETS:
        if version not in each.versions or each.required_filter:
            continue
        answer = await graph.get(f"/{version}/{each.path}?$top=20")
        if answer.status_code != 200:
            continue
        for shown in answer.json()["value"]:
            type_name = shown.get("@odata.type", "").removeprefix("#microsoft.graph.") or each.type
            if version == "beta" and type_name.startswith("groupSetting"):
                type_name = type_name.replace("groupSetting", "directorySetting")
            value = parsed(package, type_name, shown)
            assert not unknown(value), f"{each.path} shows {sorted(unknown(value))}"
            seen += 1
    assert seen >= 40


@pytest.mark.parametrize(
    "path",
    ["users", "groups", "applications", "servicePrincipals", "devices", "contacts", "directory/administrativeUnits",
     "directoryRoles", "directoryObjects", "oauth2PermissionGrants"],
)  # fmt: skip
async def test_the_ten_types_of_v1_have_delta(graph: httpx.AsyncClient, path: str) -> None:
    link: str | None = f"/v1.0/{path}/delta"
    page: dict[str, Any] = {}
    while link:
        page = (await graph.get(link)).json()
        link = page.get("@odata.nextLink")
    assert (await graph.get(page["@odata.deltaLink"])).json()["value"] == []


@pytest.mark.parametrize("path", ["organization", "contracts", "directoryRoleTemplates", "domains"])
async def test_other_types_have_none_in_v1(graph: httpx.AsyncClient, path: str) -> None:
    assert (await graph.get(f"/v1.0/{path}/delta")).status_code == 400
