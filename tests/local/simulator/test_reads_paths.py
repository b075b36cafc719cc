"""Every path of the simulator is one that Microsoft's SDK has, and every one answers."""

import importlib.util
import re
from pathlib import Path

import httpx
import pytest

from local.simulator import Simulator, model

V1 = Path(str(importlib.util.find_spec("msgraph").origin)).parent / "generated"  # type: ignore[union-attr]
BETA = Path(str(importlib.util.find_spec("msgraph_beta").origin)).parent / "generated"  # type: ignore[union-attr]


def folder(base: Path, path: str) -> Path:
    return base.joinpath(*(re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in path.split("/")))


@pytest.mark.parametrize("path", sorted({each.path for each in (*model.SETS, *model.SINGLETONS)}))
def test_every_collection_and_singleton_has_a_request_builder(path: str) -> None:
    known = next(each for each in (*model.SETS, *model.SINGLETONS) if each.path == path)
    for version, base in (("v1.0", V1), ("beta", BETA)):
        if version in known.versions:
            name = path.replace("oauth2PermissionGrants", "oauth2_permission_grants")
            name = name.replace("applicationProxy", "item")  # there the SDK takes an id where we have one profile
            assert folder(base, name).is_dir(), f"{version} {path}"


@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_every_collection_answers_an_administrator(
    simulator: Simulator, graph: httpx.AsyncClient, version: str
) -> None:
    simulator.tenant.throttle.set(1e6, {})
    delegated = {
        "agreement", "connectorGroup", "connector", "featureRolloutPolicy", "onPremisesDirectorySynchronization",
        "invitation",
    }  # fmt: skip
    for each in model.SETS:
        if version not in each.versions:
            continue
        names = [part.partition("|")[0] for part in each.required_filter]
        query = f"?$filter={' and '.join(f'{name} eq {chr(39)}/{chr(39)}' for name in names)}" if names else ""
        answer = await graph.get(f"/{version}/{each.path}{query}")
        expected = 403 if each.type in delegated else 200
        assert answer.status_code == expected, f"{each.path}: {answer.text[:300]}"
        if names:
            assert (await graph.get(f"/{version}/{each.path}")).status_code == 400
