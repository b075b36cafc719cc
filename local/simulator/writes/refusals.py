"""Graph's refusals of writes, in its words (Microsoft Graph error responses; wording as reported in public issues)."""

from __future__ import annotations

from local.simulator.errors import GraphError, bad_request, denied

CONDITIONAL_ACCESS = frozenset(["conditionalAccessPolicy", "namedLocation"])


def resource(type_name: str) -> str:
    """A type as directory messages name it."""
    return type_name[:1].upper() + type_name[1:]


def malformed(kind: str, detail: str = "") -> GraphError:
    """400 of the Conditional Access service for what its schema does not know (code 1007 in its message)."""
    said = f"1007: Incoming {kind} object is null or does not match the schema of {kind} type."
    return GraphError(400, "BadRequest", f"{said} {detail}".rstrip())


def unknown_property(name: str) -> GraphError:
    """400 for a property that the type does not have."""
    return bad_request(f"Invalid property '{name}'.")


def read_only(name: str) -> GraphError:
    """400 for a property that the service sets."""
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def required(name: str, type_name: str) -> GraphError:
    """400 for a missing property."""
    return bad_request(f"A value is required for property '{name}' of resource '{resource(type_name)}'.")


def invalid_value(name: str, type_name: str) -> GraphError:
    """400 for a value of the wrong type, length or form."""
    return bad_request(f"Invalid value specified for property '{name}' of resource '{resource(type_name)}'.")


def taken(name: str, type_name: str = "") -> GraphError:
    """400 for a value that another object has (code ObjectConflict in its details)."""
    message = f"Another object with the same value for property {name} already exists."
    detail = {"code": "ObjectConflict", "message": message, "target": name}
    if type_name:
        detail["target"] = f"{type_name}.{name}"
    return GraphError(400, "Request_BadRequest", message, details=[detail])


def mastered_on_premises() -> GraphError:
    """400 for a synced object."""
    return bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


def already_linked(name: str) -> GraphError:
    """400 for a link that is there."""
    return bad_request(
        f"One or more added object references already exist for the following modified properties: '{name}'."
    )


def unsuitable(name: str) -> GraphError:
    """400 for a link to an object of a type that the link does not take."""
    return bad_request(f"One or more references in '{name}' are of a type that cannot be linked here.")


def duplicate_values() -> GraphError:
    """400 for one value named twice in a request."""
    return bad_request("Request contains a property with duplicate values.")


def mail_enabled(verb: str) -> GraphError:
    """400 for a mail-enabled security group or distribution list, which Exchange owns."""
    return bad_request(f"Cannot {verb} a mail-enabled security groups and or distribution list.")


def conflict(message: str, code: str = "Conflict") -> GraphError:
    """409."""
    return GraphError(409, code, message)


def same_key(message: str) -> GraphError:
    """409 of the directory for a key in use."""
    return GraphError(409, "Request_MultipleObjectsWithSameKeyValue", message)


def restricted_management() -> GraphError:
    """403 for a member of a restricted management administrative unit."""
    return GraphError(
        403, "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation. Target object is a member of a restricted management "
        "administrative unit and can only be modified by administrators scoped to that administrative unit.",
    )  # fmt: skip


def delegated_only() -> GraphError:
    """403 for what an application cannot do without a user."""
    return GraphError(
        403, "Authorization_RequestDenied", "The operation is not supported with application permissions."
    )


__all__ = [
    "CONDITIONAL_ACCESS",
    "GraphError",
    "already_linked",
    "bad_request",
    "conflict",
    "delegated_only",
    "denied",
    "duplicate_values",
    "invalid_value",
    "mail_enabled",
    "malformed",
    "mastered_on_premises",
    "read_only",
    "required",
    "resource",
    "restricted_management",
    "same_key",
    "taken",
    "unknown_property",
    "unsuitable",
]
