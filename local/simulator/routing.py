"""From a path to what it addresses: collections, keys (alternate ones too), navigation, casts, `$ref`, `$count`,
functions and actions, as OData URL conventions and Graph's schema define them.

Resolving looks objects up, since a path through a missing object is 404 before anything else is judged.
`Target.template` is the path with ids replaced by `{id}`: permissions, costs and the request log are keyed by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from local.simulator import audit, model
from local.simulator.errors import GraphError, bad_request, no_segment, not_found
from local.simulator.model import EntitySet, Navigation, Singleton
from local.simulator.schema import Schema
from local.simulator.store import Deleted, Record, Store

type Shape = Literal[
    "set", "object", "navigation set", "navigation object", "property", "operation", "bin", "bin object", "service"
]

CALL = re.compile(r"^([\w.$]+)\((.*)\)$", re.DOTALL)
NAMED_ARGUMENT = re.compile(r"(\w+)\s*=\s*('(?:[^']|'')*'|[^,']+)")
NAMESPACE = re.compile(r"^(?:microsoft\.)?graph\.", re.IGNORECASE)
GUID = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")


# What only a GUID names; a user's place takes a userPrincipalName too.
KEYED_BY_GUID = frozenset(model.DIRECTORY_TABLES) - {"user", "organization"} | {"directoryObject"}


def _unknown(table: str, key: str) -> GraphError:
    """404, or 400 for what cannot be the id of a directory object."""
    if table in KEYED_BY_GUID and not GUID.match(key):
        return bad_request(f"Invalid object identifier '{key}'.")
    return not_found(key)


@dataclass(slots=True)
class Target:
    """What a path addresses. `record` is the object reached last; `parent` the one whose navigation is addressed."""

    version: str
    shape: Shape
    template: str
    type: str = ""
    table: str = ""
    entity_set: EntitySet | None = None
    singleton: Singleton | None = None
    record: Record | None = None
    parent: Record | None = None
    navigation: Navigation | None = None
    bin_entry: Deleted | None = None
    cast: str = ""
    suffix: Literal["", "$ref", "$count", "$value"] = ""
    name: str = ""  # of the property or operation
    arguments: dict[str, str] = field(default_factory=dict)
    missing_key: dict[str, str] | None = None  # an alternate key that matched nothing: upserts create it


class Resolver:
    """Resolves the paths of one version."""

    def __init__(self, version: str, schema: Schema, store: Store) -> None:
        self.version = version
        self.schema = schema
        self.store = store
        self._roots: dict[tuple[str, ...], EntitySet | Singleton | str] = {}
        for each in (*model.SETS, *model.SINGLETONS):
            if version in each.versions:
                self._roots[tuple(each.path.lower().split("/"))] = each
        for path, (table, versions) in model.BINS.items():
            if version in versions:
                self._roots[tuple(path.lower().split("/"))] = table
        self._roots["directory", "deleteditems"] = ""
        self._roots["directoryobjects",] = EntitySet("directoryObjects", "directoryObject", delta=model.BOTH)

    def resolve(self, segments: list[str], me: Record | None = None) -> Target:
        """The target of a path below the version; raises GraphError 400 or 404."""
        parts = [part for segment in segments for part in _split(segment)]
        if parts and parts[0] == "me":
            if me is None:
                raise bad_request("/me request is only valid with delegated authentication flow.", "BadRequest")
            return self._object(me, parts[1:], "users/{id}", None, None)
        root, length = None, 0
        for length in range(min(len(parts), 5), 0, -1):
            root = self._roots.get(tuple(part.lower() for part in parts[:length]))
            if root is not None:
                break
        if root is None:
            raise no_segment(segments[0] if segments else "")
        rest = parts[length:]
        if isinstance(root, str):
            return self._bin(root, "/".join(parts[:length]), rest)
        if isinstance(root, Singleton):
            table = model.table_of(root.type)
            record = next(self.store.all(table), None)
            if record is None:
                raise not_found(root.path)
            return self._object(record, rest, root.path, None, root)
        return self._set(root, rest)

    # -- within -------------------------------------------------------------------------------------------------

    def _set(self, entity_set: EntitySet, rest: list[str]) -> Target:
        table = entity_set.table or model.table_of(entity_set.type)
        target = Target(self.version, "set", entity_set.path, entity_set.type, table, entity_set)
        cast = self._cast(rest[0]) if rest else ""
        if cast:
            target.cast, rest = cast, rest[1:]
            target.template += f"/{cast}"
        if not rest:
            return target
        head = rest[0]
        if head == "$count" and len(rest) == 1:
            target.suffix = "$count"
            target.template += "/$count"
            return target
        call = CALL.match(head)
        bare = (call.group(1) if call else head).removeprefix("microsoft.graph.")
        if bare in SET_OPERATIONS and len(rest) == 1:
            target.shape, target.name = "operation", bare
            target.arguments = _named(call.group(2)) if call else {}
            target.template += f"/{bare}"
            return target
        record, wanted = self._find(table, entity_set, head)
        template = f"{entity_set.path}/{{id}}"
        if record is None:
            if wanted and len(rest) == 1:
                return Target(
                    self.version, "object", template, entity_set.type, table, entity_set, missing_key=wanted
                )
            raise not_found(head.strip("()'")) if wanted else _unknown(table, head.strip("()'"))
        if cast and not self.schema.is_a(model.type_of(record.table, record.read()), cast):
            raise not_found(head.strip("()'"))
        return self._object(record, rest[1:], template, entity_set, None)

    def _find(self, table: str, entity_set: EntitySet, key: str) -> tuple[Record | None, dict[str, str] | None]:
        if key.startswith("("):
            inner = key[1:-1]
            named = _named(inner)
            if named:
                (name, value), *more = named.items()
                if more or (name not in entity_set.alternate_keys and name != "id"):
                    raise no_segment(inner)
                if name != "id":
                    found = self.store.find(table, name, value)
                    return (found[0], None) if found else (None, named)
                key = value
            else:
                key = inner.strip("'")
        if entity_set.type == "directoryObject":
            record = self.store.get(key.lower())
            return (record if record and record.table in model.DIRECTORY_TABLES else None), None
        if table == "directoryAudit":
            return audit.one(self.store, key), None
        record = self.store.get(self.store.key(table, key.lower() if GUID.match(key) else key))
        if record is not None and record.table == table:
            return record, None
        # users answer to their userPrincipalName in the place of an id (Get a user)
        if entity_set.type == "user" and "@" in key:
            found = self.store.find(table, "userPrincipalName", key)
            return (found[0] if found else None), None
        if entity_set.type == "crossTenantAccessPolicyConfigurationPartner":
            return None, None
        return None, None

    def _object(
        self,
        record: Record,
        rest: list[str],
        template: str,
        entity_set: EntitySet | None,
        singleton: Singleton | None,
        parent: Record | None = None,
        navigation: Navigation | None = None,
    ) -> Target:
        type_name = model.type_of(record.table, record.read())
        shape: Shape = "navigation object" if navigation else "object"
        target = Target(
            self.version, shape, template, type_name, record.table, entity_set, singleton, record, parent, navigation
        )
        if rest and self._cast(rest[0]):
            cast = self._cast(rest[0])
            if not self.schema.is_a(type_name, cast):
                raise not_found(record.key)
            target.cast, rest = cast, rest[1:]
        if not rest:
            return target
        if rest == ["$ref"] and navigation is not None:
            target.suffix = "$ref"
            target.template += "/$ref"
            return target
        for length in (2, 1):
            name = "/".join(rest[:length])
            found = model.navigation_of(type_name, name) if len(rest) >= length else None
            if found is not None and self._has(type_name, found):
                return self._navigate(record, found, rest[length:], f"{template}/{name}")
        call = CALL.match(rest[0])
        bare = _bare(call.group(1) if call else rest[0])
        known = self.schema.properties(type_name).get(bare)
        if known is not None and not known.navigation and not call:
            target.shape, target.name = "property", bare
            target.template += f"/{bare}"
            if rest[1:] == ["$value"]:
                target.suffix = "$value"
            elif rest[1:]:
                target.name = "/".join(rest)
            return target
        if len(rest) == 1 and bare in OBJECT_OPERATIONS:
            target.shape, target.name = "operation", bare
            target.arguments = _named(call.group(2)) if call else {}
            target.template += f"/{bare}"
            return target
        raise no_segment(rest[0])

    def _has(self, type_name: str, navigation: Navigation) -> bool:
        head = navigation.name.partition("/")[0]
        known = self.schema.properties(type_name).get(head)
        if navigation.target not in self.schema.types:
            return False
        return known is not None or navigation.source not in self.schema.types

    def _navigate(self, record: Record, navigation: Navigation, rest: list[str], template: str) -> Target:
        store = self.store
        target = Target(
            self.version, "navigation object" if navigation.single else "navigation set", template, navigation.target,
            model.child_table(navigation), parent=record, navigation=navigation,
        )  # fmt: skip
        if rest and self._cast(rest[0]):
            target.cast, rest = self._cast(rest[0]), rest[1:]
            target.template += f"/{target.cast}"
        if navigation.single:
            key = next(iter(related(store, record, navigation)), None)
            target.record = store.get(key) if key else None
            if rest in (["$ref"], ["$value"]):
                target.suffix = "$ref" if rest == ["$ref"] else "$value"
                target.template += f"/{rest[0]}"
                return target
            if not rest:
                return target
            if target.record is None:
                raise not_found(navigation.name)
            return self._object(target.record, rest, template, None, None, record, navigation)
        if not rest:
            return target
        if rest in (["$ref"], ["$count"]):
            target.suffix = "$ref" if rest == ["$ref"] else "$count"
            target.template += f"/{rest[0]}"
            return target
        child_id = rest[0].strip("()").strip("'")
        key = store.key(target.table, child_id, record.key) if navigation.how == "child" else child_id
        wanted = ""
        if navigation.target == "federatedIdentityCredential" and rest[0].startswith("(name="):
            wanted = _named(rest[0][1:-1]).get("name", "")
            key = next(
                (each for each in related(store, record, navigation) if store.records[each].read()["name"] == wanted),
                "",
            )
            if not key and wanted:
                target.missing_key = {"name": wanted}
                target.template += "/{id}"
                target.shape = "navigation object"
                return target
        found = store.get(key) or store.get(key.lower())
        if found is None or not is_related(store, record, navigation, found.key):
            raise not_found(child_id)
        return self._object(found, rest[1:], f"{template}/{{id}}", None, None, record, navigation)

    def _bin(self, table: str, path: str, rest: list[str]) -> Target:
        target = Target(self.version, "bin", path, table or "directoryObject", table)
        if rest and self._cast(rest[0]):
            target.cast, rest = self._cast(rest[0]), rest[1:]
            target.type = target.cast
            target.template += f"/{target.cast}"
        if not rest:
            return target
        if rest == ["$count"]:
            target.suffix = "$count"
            return target
        if rest[0] in SET_OPERATIONS and len(rest) == 1:
            target.shape, target.name = "operation", rest[0]
            target.template += f"/{rest[0]}"
            return target
        child_id = rest[0].strip("()'")
        entry = self.store.bin.get(self.store.key(table, child_id)) or self.store.bin.get(child_id.lower())
        allowed = (table,) if table else model.BIN
        if entry is None or entry.record.table not in allowed:
            raise not_found(child_id)
        target.shape, target.bin_entry, target.template = "bin object", entry, f"{path}/{{id}}"
        target.type = model.type_of(entry.record.table, entry.record.read())
        if len(rest) == 2 and rest[1].removeprefix("microsoft.graph.") in OBJECT_OPERATIONS:
            target.shape, target.name = "operation", rest[1].removeprefix("microsoft.graph.")
            target.template += f"/{target.name}"
        elif len(rest) > 1:
            raise no_segment(rest[1])
        return target

    def _cast(self, segment: str) -> str:
        # `graph` is the schema's own alias of the namespace: the SDK writes casts with it
        found = NAMESPACE.match(segment)
        name = segment[found.end() :] if found else ""
        return name if name in self.schema.types else ""


def related(store: Store, record: Record, navigation: Navigation) -> list[str]:
    """Keys of the objects that a navigation property leads to, in stored order."""
    match navigation.how:
        case "link" | "child":
            return list(store.link_set(link_name(navigation)).targets(record.key))
        case "inverse":
            return [key for name in navigation.via for key in store.link_set(name).sources(record.key)]
        case "where":
            return [each.key for each in store.find(navigation.target, navigation.via[0], record.key)]
        case "refers":
            value = record.read().get(navigation.via[0]) or ""
            value = value.rpartition("/")[2] if navigation.via[0] == "directoryScopeId" else value
            key = store.key(navigation.target, value)
            return [key] if key in store.records else []
        case "transitive":
            return _transitive(store, record.key, downwards=navigation.via == ("members",))


def is_related(store: Store, record: Record, navigation: Navigation, key: str) -> bool:
    """Whether a navigation property leads to `key`."""
    if navigation.how in ("link", "child"):
        return store.link_set(link_name(navigation)).has(record.key, key)
    return key in related(store, record, navigation)


def _transitive(store: Store, start: str, *, downwards: bool) -> list[str]:
    members = store.link_set("members")
    seen: dict[str, None] = {}
    queue = [start]
    for key in queue:
        for other in members.targets(key) if downwards else members.sources(key):
            if other not in seen and other != start:
                seen[other] = None
                queue.append(other)
    return list(seen)


def link_name(navigation: Navigation) -> str:
    """See `model.link_name`."""
    return model.link_name(navigation)


def _split(segment: str) -> list[str]:
    """`users('x')` is the collection and a key; `delta(token='x')` is a call."""
    call = CALL.match(segment)
    if not call or _bare(call.group(1)) in SET_OPERATIONS | OBJECT_OPERATIONS:
        return [segment]
    return [call.group(1), f"({call.group(2)})"]


def _bare(name: str) -> str:
    """An operation's name without its namespace."""
    return NAMESPACE.sub("", name).removeprefix("entraRecoveryServices.")


def _named(arguments: str) -> dict[str, str]:
    found = NAMED_ARGUMENT.findall(arguments)
    return {name: _unquoted(value.strip()) for name, value in found}


def _unquoted(value: str) -> str:
    return value[1:-1].replace("''", "'") if value.startswith("'") else value


# Functions and actions by what they hang on; who answers them is for reads/ and writes/ to say.
SET_OPERATIONS = frozenset(
    [
        "delta", "getByIds", "validateProperties", "getUserOwnedObjects", "getAvailableExtensionProperties",
        "filterByCurrentUser", "resetToSystemDefault",
    ]
)  # fmt: skip
OBJECT_OPERATIONS = frozenset(
    [
        "assignLicense", "addPassword", "removePassword", "addKey", "removeKey", "addTokenSigningCertificate",
        "instantiate", "restore", "updateAllowedCombinations", "usage", "getMemberGroups", "getMemberObjects",
        "checkMemberGroups", "checkMemberObjects", "isMemberOf", "checkMemberGroupsForUser",
        "setVerifiedPublisher", "unsetVerifiedPublisher", "resetToSystemDefault", "renew", "addGroup",
        "removeGroup", "changePassword", "revokeSignInSessions", "invalidateAllRefreshTokens",
        "reprocessLicenseAssignment", "retryServiceProvisioning", "validateProperties", "verify", "promote",
        "forceDelete", "getChanges", "getFailedChanges", "cancel", "provisionOnDemand",
        "evaluateDynamicMembership", "enableSmsSignIn", "disableSmsSignIn", "exportPersonalData",
        "convertExternalToInternalMemberUser", "createPasswordSingleSignOnCredentials",
        "getPasswordSingleSignOnCredentials", "assign", "activate", "deactivate", "reduce", "unsetVerified",
        "start", "pause", "restart",
        "deletePasswordSingleSignOnCredentials",
    ]
)  # fmt: skip
