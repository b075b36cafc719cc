"""Whatever is sent, the simulator answers as Graph would: it refuses, and never fails itself."""

from functools import cache
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from local.simulator import model
from local.simulator.app import App
from local.simulator.http_types import Request
from local.simulator.tenant import new_tenant


@cache
def served() -> tuple[App, str, str, str]:
    tenant = new_tenant(20, 5, 3)
    tenant.throttle.set(1e9, {})
    app = App(tenant)
    principal = tenant.store.find("servicePrincipal", "appId", tenant.credentials.client_id)[0]
    user, group = next(tenant.store.all("user")).key, next(tenant.store.all("group")).key
    return app, app.issuer.app_token(principal, "graph"), user, group


PART = st.sampled_from(
    [each.path for each in model.SETS]
    + [each.path for each in model.SINGLETONS]
    + sorted({each.name for each in model.NAVIGATION})
    + [
        "USER",
        "GROUP",
        "$ref",
        "$count",
        "$value",
        "delta",
        "delta()",
        "microsoft.graph.user",
        "graph.group",
        "me",
        "id",
    ]
    + ["directory/deletedItems", "directoryObjects", "getByIds", "restore", "(x='y')", "()", "'", "displayName", "%00"]
    + ["users(userPrincipalName='a''b')", "applications(appId='')", "checkMemberGroups", "usage", "$batch", "..", "😀"]
)
SENSIBLE = st.tuples(
    st.sampled_from(["users/USER", "groups/GROUP", "users", "groups", "applications", "directoryObjects"]),
    st.one_of(st.just("."), PART),
).map(lambda parts: [part for part in parts if part != "."])
OPTION = st.sampled_from(
    ["$select=id,displayName", "$select=", "$select=*", "$select=keyCredentials", "$expand=members", "$expand=owners(",
     "$expand=manager($levels=max;$select=id)", "$expand=members($levels=x)", "$top=5", "$top=-1", "$top=x",
     "$count=true",
     "$filter=id eq 'x'", "$filter=displayName ne null", "$filter=not(startswith(displayName,'a'))", "$filter=((",
     "$filter=createdDateTime ge 2020-13-01T00:00:00Z", "$filter=proxyAddresses/any(p:startswith(p,'smtp'))",
     "$filter=members/$count eq 0", "$filter=createdDateTime ge 5", "$filter=x/any(", "$filter=displayName in ('a',1)",
     "$orderby=displayName desc", "$orderby=,", "$search=\"displayName:a\"", "$search=x", "$skiptoken=eJyLBQABFwC5",
     "$deltatoken=latest", "$deltatoken=x", "$skiptoken=", "foo=bar", "$foo=1", "$filter=id eq 'a' or id eq 'b'"]
)  # fmt: skip
BODY = st.one_of(
    st.none(),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["id", "ids", "displayName", "@odata.type", "@odata.id", "members@odata.bind", "x"]),
                inner, max_size=3,
            ),
        ),
        max_leaves=6,
    ),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(
    method=st.sampled_from(["GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE", "TRACE"]),
    version=st.sampled_from(["v1.0", "beta"]),
    parts=st.one_of(st.lists(PART, max_size=5), SENSIBLE),
    options=st.lists(OPTION, max_size=3),
    eventual=st.booleans(),
    body=BODY,
)
def test_no_request_makes_the_simulator_fail(
    method: str, version: str, parts: list[str], options: list[str], eventual: bool, body: Any
) -> None:
    app, token, user, group = served()
    path = "/".join(parts).replace("USER", user).replace("GROUP", group)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    if eventual:
        headers["consistencylevel"] = "eventual"
    target = f"/{version}/{path}" + (f"?{'&'.join(options)}" if options else "")
    answer = app.answer(Request(method, target, headers, orjson.dumps(body) if body is not None else b"", "http://sim"))
    assert answer.status != 500, (target, answer.body)
    if answer.status >= 400:
        assert orjson.loads(answer.body)["error"]["code"]
