"""A plan: every request in order, what each expects to find, and what will not be restored and why. Plain values.

Equal situations make equal plans, byte for byte, so a plan is known by its hash. Ids that Entra has yet to give are
placeholders (see `relink`); `{root}` is the Graph root with its version, `{password}` a random one made while applying,
`{thumbprint}` that of the certificate that an earlier request asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.recovery.state import Json

Kind = Literal["revive", "create", "update", "link", "unlink", "delete", "manual"]
KINDS: tuple[Kind, ...] = ("revive", "create", "update", "link", "unlink", "delete", "manual")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request, or (`manual`) one step that a person takes."""

    kind: Kind
    object_type: str
    object_id: str
    """The id that the object had in the restore point."""
    object_name: str
    method: str = ""
    path: str = ""
    body: Json | None = None
    version: str = "v1.0"
    bucket: str = "writes"
    upsert: bool = False
    stream: str = ""
    """A binary body, as base64."""
    attributes: tuple[str, ...] = ()
    link: str = ""
    targets: tuple[str, ...] = ()
    """Ids of the link's targets as they will be, placeholders included."""
    expects: Json = field(default_factory=dict)
    """What must be so before it is sent: `state` (live, softDeleted, absent), `attributes` with their values."""
    find: Json = field(default_factory=dict)
    """How a creation finds what it made before: a list's `path` and the properties to `match`."""
    becomes: Json = field(default_factory=dict)
    """What a request of its own makes of its attribute: the whole `value`, or elements that it `holds` or `lacks`."""
    yields: str = ""
    """What its answer holds and nothing shows again: `clientSecret` or `signingCertificate` (see `new_credentials`)."""
    look_first: bool = False
    """Look before the first try too: the object may have come back with the one that it hangs on."""
    present_id: str = ""
    """The id that the object has now, or a placeholder for one that is still to be made; empty where it is `object_id`.
    """
    parent: str = ""
    """The id, now, of the object that this one hangs under; a placeholder for one that is still to be made."""
    chain: str = ""
    """Operations of one chain go one after the other."""
    permission: str = ""
    reason: str = ""
    relinked: tuple[tuple[str, str, str], ...] = ()
    """(property, old, new) of the references that this request re-writes."""
    wave: int = 0
    order: int = 0

    def as_json(self) -> Json:
        """As it lies in the plan; what says nothing is left out."""
        shown: Json = {
            "order": self.order, "wave": self.wave, "kind": self.kind, "objectType": self.object_type,
            "objectId": self.object_id, "objectName": self.object_name, "method": self.method, "path": self.path,
            "reason": self.reason, "permission": self.permission, "expects": self.expects,
        }
        optional: Json = {
            "body": self.body, "version": self.version if self.version != "v1.0" else "",
            "bucket": self.bucket if self.bucket != "writes" else "", "upsert": self.upsert, "stream": self.stream,
            "attributes": list(self.attributes), "link": self.link, "targets": list(self.targets), "find": self.find,
            "becomes": self.becomes, "yields": self.yields,
            "lookFirst": self.look_first, "presentId": self.present_id, "parent": self.parent, "chain": self.chain,
            "relinked": [list(one) for one in self.relinked],
        }
        return shown | {name: value for name, value in optional.items() if value not in ("", False, None, [], {})}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Operation":
        """The inverse of as_json."""
        return Operation(
            kind=value["kind"], object_type=value["objectType"], object_id=value["objectId"],
            object_name=value["objectName"], method=value["method"], path=value["path"], body=value.get("body"),
            version=value.get("version", "v1.0"), bucket=value.get("bucket", "writes"),
            upsert=value.get("upsert", False), stream=value.get("stream", ""),
            attributes=tuple(value.get("attributes", ())), link=value.get("link", ""),
            targets=tuple(value.get("targets", ())), expects=value["expects"], find=value.get("find", {}),
            becomes=value.get("becomes", {}), yields=value.get("yields", ""),
            look_first=value.get("lookFirst", False), present_id=value.get("presentId", ""),
            parent=value.get("parent", ""), chain=value.get("chain", ""),
            permission=value["permission"],
            reason=value["reason"], relinked=tuple((a, b, c) for a, b, c in value.get("relinked", ())),
            wave=value["wave"], order=value["order"],
        )


@dataclass(frozen=True, slots=True)
class NotRestored:
    """Something chosen that the plan leaves as it is, and why."""

    object_type: str
    object_id: str
    object_name: str
    what: str
    """An attribute, a link, or empty for the whole object."""
    reason: str

    def as_json(self) -> Json:
        """As the interface shows it."""
        return {
            "objectType": self.object_type, "objectId": self.object_id, "objectName": self.object_name,
            "what": self.what, "reason": self.reason,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "NotRestored":
        """The inverse of as_json."""
        return NotRestored(
            value["objectType"], value["objectId"], value["objectName"], value["what"], value["reason"]
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person should know before applying; `blocks` says that it needs `force`."""

    code: str
    message: str
    blocks: bool
    count: int = 0
    threshold: int = 0

    def as_json(self) -> Json:
        """As the interface shows it."""
        return {
            "code": self.code, "message": self.message, "blocks": self.blocks, "count": self.count,
            "threshold": self.threshold,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Finding":
        """The inverse of as_json."""
        return Finding(value["code"], value["message"], value["blocks"], value["count"], value["threshold"])
