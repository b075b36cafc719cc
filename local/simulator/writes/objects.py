"""Creating, updating and deleting any object: the schema first, then the type's rule, then what its module says.

A request that is refused has changed nothing: every check comes before the first change.
"""

from __future__ import annotations

import orjson

from local.simulator import model
from local.simulator.errors import GraphError, bad_request, not_allowed, not_found
from local.simulator.http_types import Response
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write, new_id, no_content
from local.simulator.writes.hooks import Hooks, hooks_of
from local.simulator.writes.rules import TypeRule, rule_of
from local.simulator.writes.validation import Validator


def lineage(write: Write, type_name: str) -> list[str]:
    """The types that a type descends from, nearest first."""
    found = []
    declared = write.schema.types.get(type_name)
    while declared is not None and declared.base:
        found.append(declared.base)
        declared = write.schema.types.get(declared.base)
    return found


def find_rule(write: Write, type_name: str) -> TypeRule:
    """The rule of a type, or 405 for one that nobody writes."""
    rule = rule_of(type_name, [*lineage(write, type_name), model.table_of(type_name)])
    if rule is None:
        raise not_allowed()
    return rule


def create(write: Write, declared: str, table: str, parent: Record | None = None, link: str = "") -> Response:
    """The answer of a POST to a collection: 201 with the object."""
    body = write.request.json()
    return write.created(insert(write, declared, table, body, parent, link))


def insert(
    write: Write, declared: str, table: str, body: Body, parent: Record | None = None, link: str = "",
    preset: Body | None = None,
) -> Record:  # fmt: skip
    """Create an object from a body. `preset` are properties that the path set (an upsert's key)."""
    type_name = _said_type(write, declared, body)
    rule = find_rule(write, type_name)
    if not rule.create:
        raise not_allowed()
    if not rule.app_only and write.app_only:
        raise refusals.delegated_only()
    if rule.tagged and "@odata.type" not in body:
        raise _refuse(table, refusals.required("@odata.type", declared))
    for name, value in body.items():
        if name in rule.read_only and value is not None:
            raise _refuse(table, refusals.read_only(name))
    _check_binds(table, body, "POST")
    checked = _validator(write, table, body).body(type_name, body)
    for name in sorted(rule.required):
        if checked.get(name) is None or checked[name] == "":
            raise _refuse(table, refusals.required(name, type_name))
    if type_name != table and write.schema.is_a(type_name, declared):
        checked["@odata.type"] = f"#microsoft.graph.{type_name}"
    structural = write.schema.structural(type_name)
    sent = {name: checked.pop(name) for name in list(checked) if _is_navigation(write, type_name, name)}
    object_id = str(checked["id"]) if rule.own_id else new_id()
    made: Body = {"id": object_id} if "id" in structural or rule.own_id else {}
    made |= checked | (preset or {})
    hooks = _hooks(write, type_name, table)
    if hooks.prepare is not None:
        made = hooks.prepare(write, made, body, sent)
    made = _keyed(made)
    if write.store.key(table, made["id"], parent.key if parent else "") in write.store.records:
        raise refusals.conflict("A conflicting object with one or more of the specified property values is present "
                                "in the directory.")  # fmt: skip
    record = write.store.create(table, made) if parent is None else write.store.create(table, made, parent.key, link)
    for name, target in write.links:
        write.store.link(record.key, name, target)
    if hooks.born is not None:
        hooks.born(write, record, sent)
    return record


def update(write: Write, record: Record) -> Response:
    """The answer of a PATCH: 204, or 200 with the object for types that answer it."""
    body = write.request.json()
    change(write, record, body)
    type_name = write.type_of(record)
    rule = find_rule(write, type_name)
    hooks = _hooks(write, type_name, record.table)
    if rule.patched == 200 or (hooks.answered and hooks.answered.intersection(body)):
        return write.updated(write.store.records[record.key])
    return no_content()


def change(write: Write, record: Record, body: Body) -> Record:
    """Apply a PATCH body to an object; properties that are not named keep their values, collections go whole."""
    old, new = record.read(), judged(write, record, body)
    write.store.update(record.key, new)
    for name, target in write.links:
        write.store.link(record.key, name, target)
    hooks = _hooks(write, write.type_of(record), record.table)
    if hooks.changed is not None:
        hooks.changed(write, record, old)
    return record


def first_change(write: Write, navigation: model.Navigation, made: Body) -> Response:
    """The answer of a PATCH to a single contained object that its parent does not have yet: it is made."""
    parent, body = write.parent(), write.request.json()
    table = model.child_table(navigation)
    new = judged(write, Record("", table, orjson.dumps(made), -1), body)
    record = write.store.create(table, new, parent.key, model.link_name(navigation))
    return write.updated(record) if find_rule(write, table).patched == 200 else no_content()


def judged(write: Write, record: Record, body: Body) -> Body:
    """What a PATCH body would make of an object; nothing is changed yet."""
    type_name = write.type_of(record)
    table = record.table
    rule = find_rule(write, type_name)
    if not rule.update:
        raise not_allowed()
    if not rule.app_only and write.app_only and record.table != "device":
        raise refusals.delegated_only()  # devices are made by users; applications may change them (Update device)
    _check_named(write, record, body, rule)
    _check_binds(table, body, "PATCH")
    validator = _validator(write, table, body)
    checked = validator.body(type_name, body)
    for name in checked:
        if name == PUBLISHING and isinstance(checked[name], dict):
            # the proxy settings are addressed as a property of the application (onPremisesPublishing resource type)
            settings = validator.body(PUBLISHING, checked[name])
            _check_publishing(settings)
            checked[name] = (record.read().get(name) or {}) | settings
        elif name == "id" or (
            _is_navigation(write, type_name, name) and table != "conditionalAccessPolicy" and (table, name) != TARGETS
        ):
            raise refusals.read_only(name)
        if name in rule.required and (checked[name] is None or checked[name] == ""):
            raise _refuse(table, refusals.invalid_value(name, type_name))
    hooks = _hooks(write, type_name, table)
    old = record.read()
    new = old | checked
    return new if hooks.change is None else hooks.change(write, record, old, new, body)


def _check_named(write: Write, record: Record, body: Body, rule: TypeRule) -> None:
    """Refuse a PATCH body by its type and by the names it sets."""
    type_name, table = write.type_of(record), record.table
    said = body.get("@odata.type")
    if said is not None:
        said = str(said).removeprefix("#").removeprefix("microsoft.graph.")
        if said != type_name and said not in lineage(write, type_name):
            raise _refuse(table, refusals.invalid_value("@odata.type", type_name))
    elif rule.tagged or type_name == "agentUser":
        raise _refuse(table, refusals.required("@odata.type", type_name))
    for name in body:
        if name in rule.echoed and body[name] == record.read().get(name):
            continue
        if name in rule.read_only or name in rule.at_creation:
            raise _refuse(table, refusals.read_only(name))
        named = "@" not in name and name in write.schema.properties(type_name)
        if rule.only is not None and named and name not in rule.only:
            raise refusals.read_only(name)


# a navigation property that a PATCH sets as a whole (Update fido2AuthenticationMethodConfiguration, its example)
TARGETS = ("authenticationMethodConfiguration", "includeTargets")
PUBLISHING = "onPremisesPublishing"
PUBLISHING_READ_ONLY = ("applicationType", "isOnPremPublishingEnabled", "verifiedCustomDomainCertificatesMetadata")


def _check_publishing(settings: Body) -> None:
    for name in PUBLISHING_READ_ONLY:
        if name in settings:
            raise refusals.read_only(name)


def delete(write: Write, record: Record) -> Response:
    """The answer of a DELETE: 204; into the bin where the type has one."""
    type_name = write.type_of(record)
    rule = find_rule(write, type_name)
    if not rule.delete:
        raise not_allowed()
    if not rule.app_only and write.app_only and record.table != "device":
        raise refusals.delegated_only()
    hooks = _hooks(write, type_name, record.table)
    soft = rule.delete == "soft"
    if hooks.remove is not None:
        said = hooks.remove(write, record)
        soft = soft if said is None else said
    if not soft:
        drop_children(write, record.key)
    write.store.delete(record.key, soft=soft)
    if hooks.removed is not None:
        hooks.removed(write, record)
    return no_content()


def drop_children(write: Write, key: str) -> None:
    """Remove the objects that an object contains; they have no life of their own."""
    record = write.store.records.get(key)
    if record is None:
        return
    for navigation in children_of(record.table):
        for child in list(write.store.link_set(model.link_name(navigation)).targets(key)):
            if child in write.store.records:
                drop_children(write, child)
                write.store.delete(child, soft=False)


def children_of(table: str) -> list[model.Navigation]:
    """The contained collections of a type, each link name once."""
    found: dict[str, model.Navigation] = {}
    for each in model.NAVIGATION:
        if each.source == table and each.how == "child":
            found.setdefault(model.link_name(each), each)
    return list(found.values())


def upsert(write: Write) -> Response:
    """PATCH on an alternate key that matched nothing: 201 with `Prefer: create-if-missing`, else 404."""
    target = write.target
    name, value = next(iter((target.missing_key or {}).items()))
    if target.type == "federatedIdentityCredential" and target.parent is not None:
        if not write.request.prefers("create-if-missing"):
            raise not_found(value)
        body = {**write.request.json(), "name": value}
        return write.created(insert(write, target.type, target.table, body, target.parent, target.type + "s"))
    creatable = {("group", "uniqueName"), ("application", "uniqueName"), ("servicePrincipal", "appId")}
    if not write.request.prefers("create-if-missing") or (target.type, name) not in creatable:
        raise not_found(value)
    body = write.request.json()
    if name in body and name == "uniqueName":
        raise refusals.read_only(name)
    if name == "appId":
        body = body | {"appId": value}
    record = insert(write, target.type, target.table, body, preset={name: value})
    return write.created(record)


# Links that a body may bind; any other bind is refused rather than passed over.
BINDS = frozenset(
    [
        ("group", "members", "POST"),
        ("group", "owners", "POST"),
        ("group", "members", "PATCH"),
        ("user", "manager", "POST"),
        ("application", "owners", "POST"),
        ("servicePrincipal", "owners", "POST"),
    ]
)


def _check_binds(table: str, body: Body, method: str) -> None:
    for name in body:
        if name.endswith("@odata.bind") and (table, name.removesuffix("@odata.bind"), method) not in BINDS:
            raise refusals.unknown_property(name)


# -- within -------------------------------------------------------------------------------------------------------


def _said_type(write: Write, declared: str, body: Body) -> str:
    said = body.get("@odata.type")
    if said is None:
        return declared
    type_name = str(said).removeprefix("#").removeprefix("microsoft.graph.")
    base = declared if declared in write.schema.types else model.table_of(declared)
    if type_name not in write.schema.types or not (
        write.schema.is_a(type_name, base) or model.table_of(type_name) == model.table_of(declared)
    ):
        raise bad_request(f"A type named 'microsoft.graph.{type_name}' is not expected here.")
    return type_name


def _is_navigation(write: Write, type_name: str, name: str) -> bool:
    each = write.schema.properties(type_name).get(name)
    return each is not None and each.navigation


def _refuse(table: str, error: GraphError) -> GraphError:
    """Conditional Access says less than the directory does."""
    return refusals.malformed(table) if table in refusals.CONDITIONAL_ACCESS else error


def _validator(write: Write, table: str, body: Body) -> Validator:
    extensions: frozenset[str] = frozenset()
    if any(name.startswith("extension_") for name in body):
        target = table[:1].upper() + table[1:]
        extensions = frozenset(
            said["name"]
            for each in write.store.all("extensionProperty")
            if target in (said := each.read()).get("targetObjects", ())
        )
    return Validator(write.schema, extensions, table if table in refusals.CONDITIONAL_ACCESS else "")


def _hooks(write: Write, type_name: str, table: str) -> Hooks:
    return hooks_of([type_name, *lineage(write, type_name), table])


def _keyed(body: Body) -> Body:
    """The store keys records by id; types keyed otherwise carry theirs as id too."""
    return body if "id" in body else {"id": body["tenantId"], **body}
