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

PARENT = "@cairn.parent"
"""The key under which a reader keeps the parent's id in the body of an object read `perParent`."""

Where = tuple[str, str]
"""(property, value): holds where the property is, or contains, that value; a value ending in `*` is a prefix, and `*`
alone is anything but empty."""

DIRECTORY_OBJECT = (("@odata.id", "{root}/directoryObjects/{target}"),)
"""The body of a `$ref` request: `{root}` is the Graph root with its version, `{target}` the id of the link's target."""


@dataclass(frozen=True, slots=True)
class Subtype:
    """A type derived from the row's, listed with it and told apart by `@odata.type`; its own properties are read singly."""

    name: str
    """Name of the entity in Microsoft's schema: `agentIdentity`."""
    title: str
    properties: tuple[str, ...] = ()
    path: str = ""
    """Where one is read with its own properties, with `{key}`."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """What the type has in Microsoft's schema and Cairn leaves out on purpose: properties or relations, with the reason."""

    names: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """A directed relation from an object of this type, captured and restored in its own right.

    Requests are written `METHOD path`: `{id}` is the object's id, `{target}` the target's id, `{targetCollection}` the
    path of the target's type. `held_by` names, for `inverse`, the `type.link` or `type.property` that holds the fact.
    """

    name: str
    targets: tuple[str, ...] = ()
    """Object types it may point to; empty means any directory object."""
    reading: LinkReading = "each"
    path: str = ""
    """Where it is listed, with `{id}` (and `{odataType}`, the object's own); empty means `{type path}/{id}/{name}`."""
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
    add_body: tuple[tuple[str, str], ...] = DIRECTORY_OBJECT
    add_limit: int = 1
    """How many one `bulk_add` request may add (20 for `members@odata.bind`)."""
    bulk_add: str = ""
    """The request that adds up to `add_limit` at once, as a list of addresses under `{name}@odata.bind`."""
    write_permissions: tuple[str, ...] = ()
    """Write permissions beyond the type's own."""
    held_by: tuple[str, ...] = ()
    where: Where | None = None
    """Asked only for objects for which this holds."""
    slow: bool = False
    """Read in the slow lane: when the object is new, when its delta shows a change, and at each full read."""
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
    body: tuple[str, ...] = ()
    """What the restore request may say beside the id."""
    clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in the body that names another object, so that restore can order and re-link."""

    property: str
    """Dotted path in the body, `[]` after a collection: `conditions.users.includeGroups[]`."""
    target: str
    """The object type it names."""
    by: str = "id"
    """The target's property that is named (`appId`, `templateId`)."""
    alternatives: tuple[str, ...] = ()
    """Other object types that it may name instead."""
    words: tuple[str, ...] = ()
    """Special words that are no ids and are never mapped (`All`, `None`, `GuestsOrExternalUsers`)."""
    inside_text: bool = False
    """The names stand inside a longer text (a membership rule), to be found by their form."""
    orders: bool = True
    """The named object must exist before this one is made; False where Graph takes the name unseen or later."""
    holder: bool = False
    """The object lives under the one named: gone with it, and never without it."""


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
    singly_where: Where | None = None
    """`singly` is asked only for objects for which this holds."""
    streams: tuple[str, ...] = ()
    """Binary parts (logos, PDF files), read as bytes in the slow lane."""
    streams_where: Where | None = None
    select_permissions: tuple[tuple[str, str], ...] = ()
    """(property, permission it needs): left out, and reported, where the permission is missing."""
    property_options: tuple[tuple[str, str], ...] = ()
    """(property, tenant option that turns it on): not asked for, and reported as `off`, where the option is off."""
    excluded: tuple[Excluded, ...] = ()
    """What Microsoft's schema has beyond this row, and why it is left out; nothing is left out in silence."""
    odata_type: str = ""
    """Where types share a list: the `@odata.type` of this one, as in `#microsoft.graph.ipNamedLocation`."""
    parent_expand: str = ""
    """The parent's relation through which its list shows up to 20 of these inline; 20 shown means: read by `path`."""
    parent_where: Where | None = None
    """Asked only under parents for which this holds."""
    one_per_parent: bool = False
    """The path gives one object and no list; where it has no id, its id is the parent's."""
    key_in_parent: bool = False
    """The key says nothing without the parent's: the object is known by `{parent id}/{key}`."""
    subtypes: tuple[Subtype, ...] = ()
    documents: tuple[tuple[str, str], ...] = ()
    """(property, path): JSON that Graph keeps at an address of its own (`{key}`), read in the slow lane as that property."""
    absent_status: tuple[int, ...] = ()
    """Answers that mean that there is none (404 where no branding was ever set), for singletons and `one_per_parent`."""
    slow: bool = False
    """Read in the slow lane: when the parent is new, when its delta shows a change, and at each full read."""
    links: tuple[Link, ...] = ()
    option: str = ""
    """The tenant option that turns the type on; empty means always."""
    recycle_bin: RecycleBin | None = None
    read_permissions: tuple[str, ...] = ()
    write_permissions: tuple[str, ...] = ()
    property_write_permissions: tuple[tuple[str, str], ...] = ()
    """(property, permission): wanted only where that property is to be written."""
    delegated_only: str = ""
    """What application permissions do not reach, in words: planned as a manual step."""
    create: str = ""
    """The request that creates one; empty means `POST {path}`."""
    upsert: str = ""
    """The request that creates by a key of our own or finds what is there, so that a repeated creation is harmless."""
    update: str = ""
    """The request that changes one; empty means `PATCH {path}/{key}` (`PATCH {path}` for a singleton)."""
    delete: str = ""
    """The request that deletes one; empty means `DELETE {path}/{key}`; `{id}` is the parent's id."""
    not_updated: str = ""
    """Why an object that exists cannot be changed; empty if it can."""
    not_deleted: str = ""
    """Why an object cannot be deleted through Microsoft Graph; empty if it can."""
    actions: tuple[tuple[str, str], ...] = ()
    """(property, request): written by this request of its own and never by PATCH."""
    alone: tuple[str, ...] = ()
    """Properties that Microsoft Graph takes only in a PATCH of their own."""
    sensitive: tuple[str, ...] = ()
    """Properties that, on privileged targets, the app may write only with a directory role of its own."""
    create_required: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    """Never readable: must be made anew on restore."""
    volatile: tuple[str, ...] = ()
    """Changed by the service itself (sign-in times, replication stamps): kept out of the hash and of differences.

    A property, or a dotted path with `[]` after a collection. Never one that an administrator's change may show in alone.
    """
    unique: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    special_bucket: Literal["", "conditionalAccess", "keyCredentials"] = ""
    """A throttling bucket of its own (Microsoft Graph service-specific throttling limits)."""
    clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    delta_clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    restored_as: str = ""
    """The object type that holds the same fact: differences and restore go through that one, so that it counts once."""
    reference_only: bool = False
    """Kept to read the rest by (licence names, templates); never restored."""
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
            all(prop in (*self.select, *self.singly) for prop, _ in self.select_permissions),
            "every property of `select_permissions` must stand in `select` or `singly`",
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
            self._need(
                (link.reading == "inverse") == bool(link.held_by),
                f"link {link.name!r}: `held_by` goes with reading='inverse' and with nothing else",
            )
        documents = [name for name, _ in self.documents]
        known = {*self.select, *self.singly, *self.streams, *self.expand, *documents, *names}
        left_out = [name for excluded in self.excluded for name in excluded.names]
        self._need(len(set(left_out)) == len(left_out), "`excluded` repeats a name")
        both = sorted(known.intersection(left_out))
        self._need(not both, f"{both} are read and excluded at once")
        beneath = bool(self.parent_expand) or self.one_per_parent or self.key_in_parent or self.parent_where is not None
        self._need(bool(self.parent) or not beneath, "what is said of the parent needs a `parent`")
        self._need(
            not self.select or all(prop in known for prop, _ in (*self.property_options, *self.select_permissions)),
            "`property_options` names a property that the row does not read",
        )

    def _need(self, condition: bool, lesson: str) -> None:
        if not condition:
            raise CatalogError(f"catalog row {self.name!r}: {lesson}")

    def link_path(self, link: Link) -> str:
        """The path that lists `link`, with `{id}` for the object's id."""
        return link.path or f"{self.path}/{{id}}/{link.name}"

    @property
    def create_request(self) -> str:
        """The request that creates one, as `METHOD path`; empty where it cannot be created again."""
        return "" if self.not_restored else self.create or f"POST {self.path}"

    @property
    def update_request(self) -> str:
        """The request that changes one, as `METHOD path` with `{key}` for its key; empty where it cannot be changed."""
        if self.not_updated:
            return ""
        return self.update or f"PATCH {self.path}" + ("" if self.reading == "single" else "/{key}")

    @property
    def delete_request(self) -> str:
        """The request that deletes one, as `METHOD path` with `{key}` for its key; empty where it cannot be deleted."""
        if self.not_deleted or self.reading == "single":
            return ""
        return self.delete or f"DELETE {self.path}/{{key}}"

    def link(self, name: str) -> Link:
        """The link of that name.

        Raises `CatalogError` for a name that the row does not have.
        """
        for link in self.links:
            if link.name == name:
                return link
        raise CatalogError(f"catalog row {self.name!r} has no link {name!r}")
