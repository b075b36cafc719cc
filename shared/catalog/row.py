"""The form of a catalog row: one object type of Entra, and all that Cairn must know to keep it and bring it back.

A row is declarative: it says what Microsoft Graph has, never what Cairn does. Capture, coverage, permissions, docs,
restore order and re-linking are derived from rows. A row checks itself when it is made, and its errors teach.
"""

from dataclasses import dataclass, field
from typing import Literal

from shared.errors import CatalogError

Version = Literal["v1.0", "beta"]
Cloud = Literal["global", "usGovL4", "usGovL5", "china"]
ALL_CLOUDS: frozenset[Cloud] = frozenset({"global", "usGovL4", "usGovL5", "china"})

LinkReading = Literal["delta", "each", "expand", "inverse"]
"""How a link is read: inline in the type's delta; one request per object (in `$batch`); with `$expand` and a follow-up
where it was cut at 20; or not at all, since another type or link holds the same fact."""

CollectionReading = Literal["delta", "list", "single", "perParent"]
"""How the objects are read: by delta where it exists; by a paged list; as a singleton; or under each object of `parent`."""


@dataclass(frozen=True, slots=True)
class Link:
    """A directed relation from an object of this type, captured and restored in its own right."""

    name: str
    targets: tuple[str, ...] = ()
    """Object types it may point to; empty means any directory object."""
    reading: LinkReading = "each"
    path: str = ""
    """Where it is listed, with `{id}`; empty means `{type path}/{id}/{name}`."""
    version: Version = "v1.0"
    single: bool = False
    """At most one target (a manager)."""
    option: str = ""
    """The tenant option that turns it on; empty means always."""
    permissions: tuple[str, ...] = ()
    """Read permissions beyond the type's own."""
    add: str = ""
    """The request that adds one, as `METHOD path`; empty means that it can't be written, and `not_restored` says why."""
    remove: str = ""
    add_limit: int = 1
    """How many one request may add (20 for `members@odata.bind`)."""
    not_restored: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RecycleBin:
    """Where deleted objects of the type wait, and how one is brought back."""

    path: str
    restore: str
    days: int = 30
    version: Version = "v1.0"
    not_for: str = ""
    """Kinds of the type that do not go there, in words."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in the body that names another object, so that restore can order and re-link."""

    property: str
    """Dotted path in the body, `[]` after a collection: `conditions.users.includeGroups[]`."""
    target: str
    """The object type it names."""
    by: str = "id"
    """The target's property that is named (`appId`, `templateId`)."""
    words: tuple[str, ...] = ()
    """Special words that are no ids and are never mapped (`All`, `None`, `GuestsOrExternalUsers`)."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One row: what Microsoft Graph offers for one object type of Entra."""

    name: str
    """The type's key in Cairn: `conditionalAccessPolicy`."""
    title: str
    """As an administrator says it, in the plural: `Conditional Access policies`."""
    path: str
    """The collection (or singleton) below the version; `{id}` is the parent's id for `perParent`."""
    graph_type: str
    """Name of the entity in Microsoft's schema, without namespace."""
    reading: CollectionReading = "list"
    version: Version = "v1.0"
    key: str = "id"
    parent: str = ""
    select: tuple[str, ...] = ()
    """Properties asked for by `$select`; empty means that the default answer is whole."""
    expand: tuple[str, ...] = ()
    filter: str = ""
    page_size: int | None = None
    """`$top`; None where Graph publishes none or refuses it."""
    singly: tuple[str, ...] = ()
    """Properties Graph gives only on a GET of one object: the slow lane reads them."""
    streams: tuple[str, ...] = ()
    """Binary parts (logos, PDF files), read as bytes in the slow lane."""
    select_permissions: tuple[tuple[str, str], ...] = ()
    """(property, permission it needs): left out, and reported, where the permission is missing."""
    links: tuple[Link, ...] = ()
    option: str = ""
    """The tenant option that turns the type on; empty means always."""
    recycle_bin: RecycleBin | None = None
    read_permissions: tuple[str, ...] = ()
    write_permissions: tuple[str, ...] = ()
    create_required: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    """Never readable: must be made anew on restore."""
    volatile: tuple[str, ...] = ()
    """Changed by the service itself (sign-in times, replication stamps): kept out of the hash and of differences."""
    unique: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    special_bucket: Literal["", "conditionalAccess", "keyCredentials"] = ""
    """A throttling bucket of its own (Microsoft Graph service-specific throttling limits)."""
    clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    delta_clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    not_restored: str = ""
    """Why a hard-deleted object of this type cannot be created again; empty if it can."""
    unconfirmed: tuple[str, ...] = ()
    """What no source settles, each in one sentence; listed in the docs."""

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself, and say how to mend it."""
        self._need(self.path.startswith("/"), f"path {self.path!r} must start with '/' (no version in it)")
        self._need(
            (self.reading == "perParent") == bool(self.parent),
            "`parent` goes with reading='perParent' and with nothing else",
        )
        self._need(("{id}" in self.path) == bool(self.parent), "`{id}` in the path stands for the parent's id")
        self._need(bool(self.read_permissions), "name the least permission that reads it")
        self._need(len(set(self.select)) == len(self.select), "`select` repeats a property")
        self._need(
            all(prop in self.select for prop, _ in self.select_permissions),
            "every property of `select_permissions` must stand in `select`",
        )
        names = [link.name for link in self.links]
        self._need(len(set(names)) == len(names), "two links have one name")
        for link in self.links:
            self._need(
                link.reading != "delta" or self.reading == "delta",
                f"link {link.name!r} is read by delta, so the type must be too",
            )
            self._need(
                bool(link.add) or bool(link.not_restored) or link.reading == "inverse",
                f"link {link.name!r} has no `add` request, so `not_restored` must say why",
            )

    def _need(self, condition: bool, lesson: str) -> None:
        if not condition:
            raise CatalogError(f"catalog row {self.name!r}: {lesson}")

    def link_path(self, link: Link) -> str:
        """The path that lists `link`, with `{id}` for the object's id."""
        return link.path or f"{self.path}/{{id}}/{link.name}"
