"""Every request of a backup is one that Microsoft's published schema knows, in v1.0 and in beta alike.

What is asked is captured where it arrives. Addresses are held against the request builders of msgraph-sdk and
msgraph-beta-sdk, selected and expanded names against their models.
"""

import re
from typing import Any

import pytest

from tests.contracts.published import addressed
from tests.laws.conftest import Protected
from tests.laws.conftest import protected as protected
from tests.shared.catalog.conftest import SdkSchema

NAME = re.compile(r"^\w+")
CAST = re.compile(r"/microsoft\.graph\.(\w+)/(\w+)$")


async def test_every_captured_request_is_in_the_published_schema(
    protected: Protected, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: dict[tuple[str, str, str], str] = {}
    log = type(protected.simulator.tenant.requests)
    noted = log.note

    def note(self: Any, method: str, template: str, target: str, status: int, *more: Any, **named: Any) -> None:
        captured.setdefault((method, target.split("/")[1], template), target)
        noted(self, method, template, target, status, *more, **named)

    monkeypatch.setattr(log, "note", note)
    await protected.backed_up("full")
    await protected.backed_up()
    schemas = {version: SdkSchema(version) for version in ("v1.0", "beta")}
    models = protected.simulator.tenant.schemas
    seen = {"v1.0": 0, "beta": 0}
    wrong: list[str] = []
    for (method, version, template), target in sorted(captured.items()):
        if template.endswith("$batch"):
            continue
        path, _, query = target.partition("?")
        cast = CAST.search(path)  # the clients have no builders below the casts of agents; their models have the names
        by_cast = cast is not None and cast[2] in models[version].properties(cast[1])
        if not by_cast and not schemas[version].has_address(addressed(template, path)):
            wrong.append(f"{method} {version} {path}: no such address")
            continue
        seen[version] += 1
        resolved = protected.simulator.tenant.resolvers[version].resolve(path.split("/")[2:])
        model = models[version]
        known = {name for each in (resolved.type, *model.family(resolved.type)) for name in model.properties(each)}
        for option in query.split("&"):
            name, _, value = option.partition("=")
            if name.removeprefix("$").removeprefix("%24") not in ("select", "expand"):
                continue
            for each in value.replace("%2C", ",").split(","):
                word = NAME.match(each)
                if word and word[0] not in known and not word[0].startswith("extension_"):
                    wrong.append(f"{method} {version} {template}: {each}")
    assert not wrong, "\n".join(wrong)
    assert seen["v1.0"] >= 40
    assert seen["beta"] >= 1
