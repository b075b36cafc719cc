"""Every request of a restore, and of taking it back, is one that Microsoft's published schema knows.

The tenant is damaged in every way that the demo damages one, and in all others that the laws know. What the restore
then asks is captured where it arrives, entries of batches one by one. Addresses and methods are held against the
request builders of Microsoft's clients, bodies against their models: no unknown name, no value of another type, no
unknown member of an enum, nothing that Microsoft calls read-only; references name addresses that there are.
"""

import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
import pytest

from local.simulator.app import App
from local.simulator.errors import GraphError
from local.simulator.http_types import Request, Response
from tests.contracts.published import KEYED, Published, addressed, astray, parsed
from tests.laws.damages import DAMAGES, Tenant, administrator
from tests.laws.restoring import EXACT, refused, restoring

# kiota's generated models warn of their own names when first imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAME = re.compile(r"^\w+")
DOCUMENTED = frozenset({
    "/servicePrincipals/{id}/appManagementPolicies/$ref", "/servicePrincipals/{id}/appManagementPolicies/{id}/$ref",
})
"""On Microsoft's pages (Assign appliesTo, Remove appliesTo of appManagementPolicy), and in no client."""
AGENTS = re.compile(r"/microsoft\.graph\.agent\w+")
GRAPH = ("/v1.0/", "/beta/")
SENT = frozenset({
    "PATCH /groups(uniqueName='')", "PATCH /applications(uniqueName='')", "PATCH /servicePrincipals(appId='')",
    "POST /users", "POST /users/{id}/assignLicense", "PUT /users/{id}/manager/$ref", "POST /groups/{id}/owners/$ref",
    "POST /oauth2PermissionGrants", "POST /servicePrincipals/{id}/appRoleAssignedTo",
    "POST /roleManagement/directory/roleAssignments", "POST /identity/conditionalAccess/policies",
    "POST /directory/deletedItems/{id}/restore", "POST /identity/conditionalAccess/deletedItems/policies/{id}/restore",
    "DELETE /users/{id}", "DELETE /groups/{id}/members/{id}/$ref",
})
"""What such a restore cannot do without."""
WRITES = ("POST", "PATCH", "PUT", "DELETE")


def template_of(app: App, path: str) -> str:
    """The path as an address of the schema, however its object was named."""
    _, version, *segments = path.split("/")
    try:
        target = app.tenant.resolvers[version].resolve([unquote(one) for one in segments])
    except GraphError:
        return ""  # what is not there, or no longer
    keyed = KEYED.match(unquote(segments[0]))
    if keyed:
        return f"/{unquote(segments[0])}"
    return addressed(target.template, path)


OF_AGENTS = {"sponsors", "inheritablePermissions"}


def held(schema: Published, known: set[str], request: Request, address: str) -> list[str]:
    """What of a request Microsoft's clients would not send."""
    if AGENTS.search(address):  # the clients have no builders below the casts of agents; their models have the names
        _, _, relation = address.rpartition("/microsoft.graph.")[2].partition("/")
        return [f"no such relation: {relation}"] if relation and relation not in known | OF_AGENTS else []
    builder = schema.builder(address)
    if builder is None and address in DOCUMENTED:
        return []
    if builder is None:
        return ["no such address"]
    if not builder.takes(request.method):
        return ["no such method"]
    wrong = []
    for option, values in parse_qs(urlsplit(request.target).query).items():
        if option.removeprefix("$") in ("select", "expand"):
            words = [NAME.match(each) for each in re.sub(r"\([^)]*\)", "", values[0]).split(",")]
            wrong += [f"{option}: {word[0]}" for word in words
                      if word and word[0] not in known and not word[0].startswith("extension_")]
    model = builder.body(request.method)
    if not request.body.strip() or model is None:
        return wrong
    body = orjson.loads(request.body)
    wrong += list(astray(parsed(model, body), body))
    wrong += [f"{name} is no relation" for name in body if name.endswith("@odata.bind")
              and name.removesuffix("@odata.bind") not in known]
    bound = [body["@odata.id"]] if "@odata.id" in body else []
    bound += [one for name, said in body.items() if name.endswith("@odata.bind")
              for one in (said if isinstance(said, list) else [said])]
    for reference in bound:
        place, _, _ = urlsplit(reference).path.removeprefix("/v1.0").removeprefix("/beta").rpartition("/")
        if schema.builder(f"{place}/{{id}}") is None:
            wrong.append(f"{reference}: no such address")
    return wrong


async def done_to(tenant: Tenant, name: str) -> bool:
    """Whether the damage was done: chance may choose what Graph protects, so it chooses again."""
    for _ in range(12):
        if await DAMAGES[name](tenant):
            return True
    return False


async def test_every_request_of_a_restore_is_in_the_published_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: dict[tuple[str, str, str], tuple[Request, set[str]]] = {}
    listening = False
    answer = App.answer

    def listen(app: App, request: Request) -> Response:
        asked = listening and request.path.startswith(GRAPH) and not request.path.endswith("$batch")
        template = template_of(app, request.path) if asked else ""
        if template:
            version = request.path.split("/")[1]
            target = app.tenant.resolvers[version].resolve(request.segments[1:])
            names = "|".join(sorted(orjson.loads(request.body))) if request.body.strip()[:1] == b"{" else ""
            models = app.tenant.schemas[version]
            known = {name for each in (target.type, *models.family(target.type)) for name in models.properties(each)}
            key = (f"{request.method} {version}", re.sub(r"='[^']*'", "=''", template), names)
            captured.setdefault(key, (request, known))
        return answer(app, request)

    monkeypatch.setattr(App, "answer", listen)
    async with restoring(tmp_path, monkeypatch, users=60, groups=24) as restores:
        point = await restores.backups.run("full")
        async with administrator(restores.simulator, random.Random(3)) as tenant:
            for name in DAMAGES:
                assert await done_to(tenant, name), name
        listening = True
        asked = {**EXACT, "newSecrets": True, "newSigningCertificates": True}
        done = await restores.apply(await restores.plan(None, backup_id=point.backup_id, **asked))
        assert not await refused(restores, done)
        await restores.undo(done)
        listening = False

    schemas = {version: Published(version) for version in ("v1.0", "beta")}
    wrong = [
        f"{method} {template} ({names}): {why}"
        for (method, template, names), (request, known) in sorted(captured.items())
        for why in held(schemas[method.split()[1]], known, request, template)
    ]
    assert not wrong, "\n".join(wrong)
    sent = {f"{method.split()[0]} {template}" for method, template, _ in captured}
    assert sum(one.startswith(WRITES) for one in sent) >= 30
    assert sent >= SENT
    assert any("members@odata.bind" in names for _, _, names in captured)


@pytest.mark.parametrize(
    ("address", "method", "body", "why"),
    [
        ("/users/{id}/nosuch", "GET", None, "no such address"),
        ("/users/{id}", "PUT", None, "no such method"),
        ("/users/{id}", "PATCH", {"nosuch": 1}, "User.nosuch: unknown"),
        ("/users/{id}", "PATCH", {"passwordProfile": {"nosuch": 1}}, "User.passwordProfile/PasswordProfile.nosuch: unknown"),
        ("/users/{id}", "PATCH", {"proxyAddresses": ["x"]}, "User.proxyAddresses: read-only"),
        ("/users/{id}", "PATCH", {"accountEnabled": "yes"}, "User.accountEnabled: 'yes' is of another type"),
        (
            "/identity/conditionalAccess/policies", "POST", {"state": "ajar"},
            "ConditionalAccessPolicy.state: 'ajar' is of another type",
        ),
        ("/groups/{id}", "PATCH", {"nosuch@odata.bind": []}, "nosuch@odata.bind is no relation"),
        (
            "/groups/{id}/members/$ref", "POST", {"@odata.id": "https://graph.microsoft.com/v1.0/nosuch/1"},
            "https://graph.microsoft.com/v1.0/nosuch/1: no such address",
        ),
        ("/users/{id}?$select=nosuch", "GET", None, "$select: nosuch"),
    ],
)
def test_what_the_schema_does_not_know_is_told(address: str, method: str, body: Any, why: str) -> None:
    request = Request(method, f"/v1.0{address}", {}, orjson.dumps(body) if body else b"")
    assert held(Published("v1.0"), {"id", "members"}, request, address.partition("?")[0]) == [why]
