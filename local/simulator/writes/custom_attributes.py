"""Custom security attributes: sets, definitions, allowed values, and the values on users and service principals.

Sources: Create attributeSet, Create and Update customSecurityAttributeDefinition, Assign custom security attribute
values. Sets and definitions are never deleted; a definition is deprecated.
"""

from __future__ import annotations

import re
from typing import Any

from local.simulator.errors import bad_request, denied
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

NAME = re.compile(r"^[A-Za-z][A-Za-z0-9]{0,31}$")
MOST_ACTIVE = 500
VALUE_TYPE = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue"
COLLECTION_TYPES = {"String": "#Collection(String)", "Integer": "#Collection(Int32)"}


def _prepare_set(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    write.require("CustomSecAttributeDefinition.ReadWrite.All")
    if not NAME.match(made["id"]):
        raise refusals.invalid_value("id", "attributeSet")
    return {"maxAttributesPerSet": 25, "description": None} | made


def _prepare_definition(write: Write, made: Body, _body: Body, sent: Body) -> Body:
    write.require("CustomSecAttributeDefinition.ReadWrite.All")
    found = write.held("attributeSet", made["attributeSet"])
    if found is None:
        raise bad_request(f"The attribute set '{made['attributeSet']}' does not exist.")
    if not NAME.match(made["name"]):
        raise refusals.invalid_value("name", "customSecurityAttributeDefinition")
    if made["type"] == "Boolean" and (made["isCollection"] or made["usePreDefinedValuesOnly"]):
        raise bad_request("A Boolean attribute can neither be a collection nor have predefined values.")
    held = [each.read() for each in write.store.all("customSecurityAttributeDefinition")]
    active = [each for each in held if each.get("status") == "Available"]
    if len(active) >= MOST_ACTIVE:
        raise bad_request(f"The tenant has {MOST_ACTIVE} active attributes, which is the most there can be.")
    most = found.read().get("maxAttributesPerSet") or MOST_ACTIVE
    if sum(each["attributeSet"] == made["attributeSet"] for each in active) >= most:
        raise bad_request(f"The attribute set '{made['attributeSet']}' holds as many attributes as it can.")
    for each in sent.get("allowedValues") or ():
        if (
            not isinstance(each, dict)
            or set(each) - {"id", "isActive", "@odata.type"}
            or not isinstance(each.get("id"), str)
        ):
            raise refusals.invalid_value("allowedValues", "customSecurityAttributeDefinition")
    return made | {"id": f"{made['attributeSet']}_{made['name']}"}


def _born_definition(write: Write, record: Record, sent: Body) -> None:
    for each in sent.get("allowedValues") or ():
        write.store.create(
            "allowedValue",
            {"id": each["id"], "isActive": bool(each.get("isActive", True))},
            record.key,
            "allowedValues",
        )


def _change_definition(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    write.require("CustomSecAttributeDefinition.ReadWrite.All")
    if new["usePreDefinedValuesOnly"] and not old.get("usePreDefinedValuesOnly"):
        raise bad_request("usePreDefinedValuesOnly cannot be changed from false to true.")
    for each in body.get("allowedValues@delta") or ():
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise refusals.invalid_value("allowedValues", "customSecurityAttributeDefinition")
        found = write.store.get(write.store.key("allowedValue", each["id"], record.key))
        if found is None:
            raise bad_request(f"The predefined value '{each['id']}' does not exist.")
    return new


def _prepare_value(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    write.require("CustomSecAttributeDefinition.ReadWrite.All")
    if write.parent().read().get("type") == "Boolean":
        raise bad_request("A Boolean attribute has no predefined values.")
    return made


register("attributeSet", Hooks(prepare=_prepare_set))
register(
    "customSecurityAttributeDefinition",
    Hooks(prepare=_prepare_definition, born=_born_definition, change=_change_definition),
)
register("allowedValue", Hooks(prepare=_prepare_value))


def check_values(write: Write, body: Body, old: Body) -> Body | None:
    """The values of a user or service principal after a body was merged in; null takes a value away."""
    said = body.get("customSecurityAttributes")
    if said is None:
        return old.get("customSecurityAttributes")
    if not write.may("CustomSecAttributeAssignment.ReadWrite.All"):
        raise denied()
    merged: Body = {name: dict(each) for name, each in (old.get("customSecurityAttributes") or {}).items()}
    for set_name, values in said.items():
        if set_name.startswith("@"):
            continue
        if write.held("attributeSet", set_name) is None:
            raise bad_request(f"The attribute set '{set_name}' does not exist.")
        if not isinstance(values, dict) or values.get("@odata.type") != VALUE_TYPE:
            raise bad_request(f"The values of '{set_name}' need '@odata.type' {VALUE_TYPE}.")
        kept = merged.setdefault(set_name, {"@odata.type": VALUE_TYPE})
        for name, value in values.items():
            if "@" in name:
                continue
            definition = write.held("customSecurityAttributeDefinition", f"{set_name}_{name}")
            if definition is None:
                raise bad_request(f"The attribute '{set_name}_{name}' does not exist.")
            kept.pop(name, None)
            kept.pop(f"{name}@odata.type", None)
            if value is None or value == []:
                continue
            _check_value(write, definition, value, values.get(f"{name}@odata.type"))
            if isinstance(value, list) or is_number(value):
                kept[f"{name}@odata.type"] = values[f"{name}@odata.type"]
            kept[name] = value
        if not [name for name in kept if "@" not in name]:
            del merged[set_name]
    return merged or None


def is_number(value: Any) -> bool:
    """Whether the value is a number, and no switch."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_value(write: Write, definition: Record, value: Any, annotation: Any) -> None:
    body = definition.read()
    name = body["id"]
    if body.get("status") == "Deprecated":
        raise bad_request(f"The attribute '{name}' is deprecated and takes no new values.")
    if isinstance(value, list) != bool(body["isCollection"]):
        raise bad_request(f"The value of '{name}' does not match the definition: isCollection.")
    if isinstance(value, list) and annotation != COLLECTION_TYPES[body["type"]]:
        raise bad_request(f"The collection '{name}' needs '@odata.type' {COLLECTION_TYPES[body['type']]}.")
    if is_number(value) and annotation != "#Int32":
        raise bad_request(f"The number '{name}' needs '@odata.type' #Int32.")
    kind = {"Boolean": bool, "Integer": int, "String": str}[body["type"]]
    children = write.store.link_set("allowedValues").targets(definition.key)
    allowed = {each["id"] for child in children if (each := write.store.records[child].read()).get("isActive")}
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, kind) or (kind is int and isinstance(one, bool)):
            raise bad_request(f"The value of '{name}' is not of type {body['type']}.")
        if isinstance(one, str) and not 0 < len(one) <= 64:
            raise bad_request(f"The value of '{name}' is longer than 64 characters or empty.")
        if body.get("usePreDefinedValuesOnly") and str(one) not in allowed:
            raise bad_request(f"'{one}' is no active predefined value of '{name}'.")
