"""The form of a catalog row: one object type of Entra, and all that Cairn must know to keep it and bring it back.

A row is declarative: it says what Microsoft Graph has, never what Cairn does. Capture, coverage, permissions,
docs, restore order and re-linking are derived from rows. A row checks itself when it is made, and its errors teach.

Requests are written `METHOD path`. In paths `{id}` is the id of the object that a link starts from, or of the
parent of an object read `perParent`; `{key}` is the object's own key; `{target}` the id of a link's target,
`{targetCollection}` the path of the target's type; `{odataType}` the object's `@odata.type` without `#`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import CatalogError

Version = Literal["v1.0", "beta"]
Cloud = Literal["global", "usGovL4", "usGovL5", "china"]
ALL_CLOUDS: frozenset[Cloud] = frozenset({"global", "usGovL4", "usGovL5", "china"})

LinkReading = Literal["delta", "each", "expand", "inverse"]
"""How a link is read: inline in the type's delta; one request per object (in `$batch`); with `$expand` and a
follow-up where it was cut at 20; or not at all, since another type or link holds the same fact."""

CollectionReading = Literal["delta", "list", "single", "perParent"]
"""How the objects are read: by delta where it exists; by a paged list; as a singleton; under each `parent`."""

PARENT = "@cairn.parent"
"""The key under which a reader keeps the parent's id in the body of an object read `perParent`."""

Where = tuple[str, str]
"""(property, value): holds where the property is, or contains, that value. Values stand side by side with `|`, one
that ends in `*` is a prefix, `*` alone is anything but empty; see `where.py`."""

DIRECTORY_OBJECT = (("@odata.id", "{root}/directoryObjects/{target}"),)
"""The body of a `$ref` request: `{root}` is the Graph root with its version."""


def words(text: str) -> tuple[str, ...]:
    """The names in `text`, which are written with white space between them."""
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Subtype:
    """A type derived from the row's, listed with it and told apart by `@odata.type`."""

    name: str
    """Name of the entity in Microsoft's schema: `agentIdentity`."""
    title: str
    properties: tuple[str, ...] = ()
    """Properties of its own, which the slow lane reads at `path`."""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Excluded:
    """What the type has in Microsoft's schema and Cairn leaves out on purpose, with the reason."""

    names: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Objects of the type, or links from them, that restore neither makes, changes nor removes, with the reason."""

    where: Where
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """A directed relation from an object of this type, captured and restored in its own right."""

    name: str
    targets: tuple[str, ...] = ()
    """Object types it may point to; empty means any directory object."""
    reading: LinkReading = "each"
    path: str = ""
    """Where it is listed; empty means `{type path}/{id}/{name}`."""
    version: Version = "v1.0"
    single: bool = False
    """At most one target (a manager)."""
    option: str = ""
    """The tenant option that turns it on; empty means always."""
    permissions: tuple[str, ...] = ()
    """Read permissions beyond the type's own."""
    where: Where | None = None
    """Asked only for objects for which this holds."""
    slow: bool = False
    """Read in the slow lane: when the object is new, when its delta shows a change, and at each full read."""
    held_by: tuple[str, ...] = ()
    """For `inverse`: the `type.link` or `type.property` that holds the fact."""
    shown_by: str = ""
    """The `type.link` of targets that shows this link too, read at each full read because what is read of the holders
    may leave these targets out."""
    restored_as: str = ""
    """The object type that holds the same fact: differences and restore go through that one, so it counts once."""
    add: str = ""
    """The request that adds one; empty means that it can't be written, and `not_restored` says why."""
    remove: str = ""
    add_body: tuple[tuple[str, str], ...] = DIRECTORY_OBJECT
    add_limit: int = 1
    """How many one `bulk_add` request may add (20 for `members@odata.bind`)."""
    bulk_add: str = ""
    """The request that adds up to `add_limit` at once, as a list of addresses under `{name}@odata.bind`."""
    write_permissions: tuple[str, ...] = ()
    """Write permissions beyond the type's own."""
    left_alone: tuple[LeftAlone, ...] = ()
    not_restored: str = ""
    not_revived: bool = False
    """Lost when its target is deleted, and not brought back when that is restored from the recycle bin."""
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
    """Other object types that it may name instead, by id."""
    words: tuple[str, ...] = ()
    """Special words that are no ids and are never mapped (`All`, `None`, `GuestsOrExternalUsers`)."""
    inside_text: bool = False
    """The names stand inside a longer text (a membership rule), to be found by their form."""
    orders: bool = True
    """The named object must exist before this one is made; False where Graph takes the name unseen or later."""
    holder: bool = False
    """This object belongs to the one named: gone with it, and never without it."""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One row: what Microsoft Graph offers for one object type of Entra."""

    # What it is and where it is read.
    name: str
    """The type's key in Cairn: `conditionalAccessPolicy`."""
    title: str
    """As an administrator says it, in the plural: `Conditional Access policies`."""
    path: str
    """The collection (or singleton) below the version."""
    graph_type: str
    """Name of the entity in Microsoft's schema, without `microsoft.graph.`."""
    reading: CollectionReading = "list"
    version: Version = "v1.0"
    key: str = "id"
    parent: str = ""
    parent_where: Where | None = None
    """Asked only under parents for which this holds."""
    parent_named_by: tuple[str, ...] = ()
    """`type.property` of other types: a parent that one of their objects names is asked whatever `parent_where` says,
    and so is one that was found to have some of these before. Those types are read first."""
    parent_expand: str = ""
    """The parent's relation through which its list shows up to 20 of these; 20 shown means: read by `path`."""
    one_per_parent: bool = False
    """The path gives one object and no list; where it has no id, its id is the parent's."""
    key_in_parent: bool = False
    """The key says nothing without the parent's: the object is known by `{parent id}/{key}`."""
    odata_type: str = ""
    """Where types share a list: the `@odata.type` of this one, as in `#microsoft.graph.ipNamedLocation`."""
    subtypes: tuple[Subtype, ...] = ()
    absent_status: tuple[int, ...] = ()
    """Answers that mean that there is none (404 where no branding was ever set); for singletons and children."""

    # What of it is read, and how.
    select: tuple[str, ...] = ()
    """Properties asked for by `$select`; empty means that the default answer is whole."""
    extension_target: str = ""
    """The name by which directory extensions are registered for the type (`User`): where `select` is not empty, their
    names must be added to it, since Microsoft Graph gives an extension's value only when asked by name."""
    expand: tuple[str, ...] = ()
    """Relations asked for by `$expand`, kept as properties of the body; one may hold more (`policy($expand=rules)`)."""
    inline: tuple[str, ...] = ()
    """Relations that the answer holds without being asked, kept as properties of the body."""
    filter: str = ""
    page_size: int | None = None
    """`$top`; None where Graph publishes none or refuses it."""
    singly: tuple[str, ...] = ()
    """Properties Graph gives (whole) only on a GET of one object: the slow lane reads them."""
    in_beta: tuple[str, ...] = ()
    """Properties of a v1.0 type that only beta gives: the slow lane reads them there, and restore writes them there."""
    singly_where: Where | None = None
    """`singly` is asked only for objects for which this holds."""
    documents: tuple[tuple[str, str], ...] = ()
    """(property, path): JSON that Graph keeps at an address of its own, read in the slow lane as that property.

    Of a list its `value` is kept; 404 means that there is none, and the property is then null.
    """
    streams: tuple[str, ...] = ()
    """Binary parts (logos, PDF files) at `{path}/{key}/{name}`, read as bytes in the slow lane."""
    streams_where: Where | None = None
    select_permissions: tuple[tuple[str, str], ...] = ()
    """(property, permission it needs): left out, and reported, where the permission is missing."""
    property_options: tuple[tuple[str, str], ...] = ()
    """(property, tenant option that turns it on): not asked for, and reported as `off`, where the option is off."""
    excluded: tuple[Excluded, ...] = ()
    """What Microsoft's schema has beyond this row, and why it is left out; nothing is left out in silence."""
    links: tuple[Link, ...] = ()
    slow: bool = False
    """Read in the slow lane: when the parent is new, when its delta shows a change, and at each full read."""
    option: str = ""
    """The tenant option that turns the type on; empty means always."""
    special_bucket: Literal["", "conditionalAccess", "keyCredentials"] = ""
    """A throttling bucket of its own (Microsoft Graph service-specific throttling limits)."""
    clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    delta_clouds: frozenset[Cloud] = field(default=ALL_CLOUDS)
    read_permissions: tuple[str, ...] = ()
    delegated_read: str = ""
    """Why an application may be refused: Graph documents the type for signed-in users only."""

    # How it is written.
    write_permissions: tuple[str, ...] = ()
    property_write_permissions: tuple[tuple[str, str], ...] = ()
    """(property, permission): wanted only where that property is to be written."""
    delegated_only: str = ""
    """What application permissions do not reach when writing, in words: planned as a manual step."""
    create: str = ""
    """The request that creates one; empty means `POST {path}`."""
    upsert: str = ""
    """The request that creates by a key of ours or finds what is there, so that repeating it is harmless."""
    update: str = ""
    """The request that changes one; empty means `PATCH {path}/{key}` (`PATCH {path}` where there is only one)."""
    delete: str = ""
    """The request that deletes one; empty means `DELETE {path}/{key}`."""
    not_updated: str = ""
    """Why an object that exists cannot be changed; empty if it can."""
    not_deleted: str = ""
    """Why an object cannot be deleted through Microsoft Graph; empty if it can."""
    actions: tuple[tuple[str, str], ...] = ()
    """(property, request): written by this request of its own and never by PATCH."""
    alone: tuple[str, ...] = ()
    """Properties that go in a PATCH of their own: Microsoft Graph takes them only so, or may refuse them alone."""
    left_as_is: tuple[Excluded, ...] = ()
    """Properties that no restore writes though Microsoft Graph's schema would let it, with the reason."""
    sensitive: tuple[str, ...] = ()
    """Properties that, on privileged targets, the app may write only with a directory role of its own."""
    synced_writable: tuple[str, ...] = ()
    """Properties that can be written even on objects mastered on premises; all others are refused there."""
    never_synced: bool = False
    """`onPremisesSyncEnabled` says that the tenant is synchronized, not that this object is mastered on premises."""
    create_required: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    """Set at creation at most, and never changed after."""
    secret: tuple[str, ...] = ()
    """Never readable: must be made anew on restore."""
    volatile: tuple[str, ...] = ()
    """Changed by the service itself (sign-in times, replication stamps): kept out of the hash and of differences.

    A property, or a dotted path with `[]` after a collection. Never one that alone shows what an administrator did.
    """
    unique: tuple[str, ...] = ()
    """Properties (with `+`: together) that no two objects share: how a repeated creation finds what it made."""

    # How it is brought back.
    references: tuple[Reference, ...] = ()
    recycle_bin: RecycleBin | None = None
    comes_with_parent: bool = False
    """Microsoft Entra makes it with its parent: where that is made anew, this one is changed once it stands."""
    after: tuple[str, ...] = ()
    """Types that are restored before this one though it names none of their objects."""
    keeps_key: bool = False
    """One made anew has the key of the old one though it is not sent: it follows from what is sent."""
    after_links: bool = False
    """Restored when all other objects and links stand (Conditional Access)."""
    restored_as: str = ""
    """The object type that holds the same fact, itself or by a link (`group`: its members and owners): differences and
    restore go through that one, so it counts once."""
    restored_as_where: Where | None = None
    """`restored_as` is said only of objects for which this holds."""
    left_alone: tuple[LeftAlone, ...] = ()
    reference_only: bool = False
    """Kept to read the rest by (licence names, templates); never restored."""
    not_restored: str = ""
    """Why a hard-deleted object of this type cannot be created again; empty if it can."""
    unconfirmed: tuple[str, ...] = ()
    """What no source settles, each in one sentence; listed in the docs."""

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself, and say how to mend it."""
        self._check_reading()
        self._check_properties()
        for link in self.links:
            self._check_link(link)

    def _check_reading(self) -> None:
        self._need(self.path.startswith("/"), f"path {self.path!r} must start with '/' (no version in it)")
        self._need(
            (self.reading == "perParent") == bool(self.parent),
            "`parent` goes with reading='perParent' and with nothing else",
        )
        self._need(
            ("{id}" in self.path + self.filter) == bool(self.parent),
            "`{id}` in path or filter stands for the parent's id",
        )
        of_parent = (
            self.parent_expand, self.one_per_parent, self.key_in_parent, self.parent_where, self.parent_named_by,
            self.comes_with_parent,
        )
        self._need(bool(self.parent) or not any(of_parent), "what is said of the parent needs a `parent`")
        self._need(bool(self.read_permissions), "name the least permission that reads it")
        self._need(
            bool(self.write_permissions) or self.reference_only or bool(self.delegated_only or self.not_restored),
            "name the least permission that writes it, or say why nothing does",
        )

    def _check_properties(self) -> None:
        self._need(len(set(self.select)) == len(self.select), "`select` repeats a property")
        names = [link.name for link in self.links]
        self._need(len(set(names)) == len(names), "two links have one name")
        asked = {*self.select, *self.singly, *self.in_beta, *self.streams, *(name for name, _ in self.documents)}
        self._need(
            all(prop in asked for prop, _ in (*self.select_permissions, *self.property_options)),
            "`select_permissions` and `property_options` speak of properties that the row asks for",
        )
        left_out = [name for excluded in self.excluded for name in excluded.names]
        self._need(len(set(left_out)) == len(left_out), "`excluded` repeats a name")
        as_is = {name for one in self.left_as_is for name in one.names}
        self._need(not as_is.intersection(self.read_only), "`left_as_is` is for what is not `read_only` anyway")
        both = sorted({*asked, *names, *self.expanded, *self.inline}.intersection(left_out))
        self._need(not both, f"{both} are read and excluded at once")
        self._need(
            self.restored_as_where is None or bool(self.restored_as), "`restored_as_where` needs `restored_as`"
        )

    def _check_link(self, link: Link) -> None:
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
        self._need(
            (link.add_limit > 1) == bool(link.bulk_add),
            f"link {link.name!r}: `add_limit` is how many `bulk_add` takes, so they come together",
        )

    def _need(self, condition: bool, lesson: str) -> None:
        if not condition:
            raise CatalogError(f"catalog row {self.name!r}: {lesson}")

    @property
    def alone_at_path(self) -> bool:
        """Whether the path is the object itself and not a collection."""
        return self.reading == "single" or self.one_per_parent

    @property
    def expanded(self) -> tuple[str, ...]:
        """The names of the relations that `expand` asks for."""
        return tuple(one.partition("(")[0] for one in self.expand)

    @property
    def read_by_filter(self) -> bool:
        """Whether one object is read out of its parent's list, since its key is no address of its own."""
        return bool(self.filter and self.key_in_parent)

    @property
    def waits_for(self) -> frozenset[str]:
        """The types that must be read before this one: its parents, and what names those to ask."""
        return frozenset({self.parent, *(one.partition(".")[0] for one in self.parent_named_by)} - {""})

    @property
    def create_request(self) -> str:
        """The request that creates one; empty where it cannot be created."""
        if self.not_restored or self.reference_only or self.alone_at_path:
            return ""
        return self.create or f"POST {self.path}"

    @property
    def update_request(self) -> str:
        """The request that changes one; empty where it cannot be changed."""
        if self.not_updated or self.reference_only:
            return ""
        return self.update or f"PATCH {self.path}" + ("" if self.alone_at_path else "/{key}")

    @property
    def delete_request(self) -> str:
        """The request that deletes one; empty where it cannot be deleted."""
        if self.not_deleted or self.reference_only or (self.alone_at_path and not self.delete):
            return ""
        return self.delete or f"DELETE {self.path}/{{key}}"

    def mastered_on_premises(self, body: Mapping[str, Any]) -> bool:
        """Whether synchronization holds the object, so that Microsoft Graph refuses most changes to it."""
        return bool(body.get("onPremisesSyncEnabled")) and not self.never_synced

    @property
    def excluded_names(self) -> frozenset[str]:
        """All names of Microsoft's schema that the row leaves out."""
        return frozenset(name for excluded in self.excluded for name in excluded.names)

    def why_left_as_is(self, name: str) -> str:
        """Why no restore writes the property; empty where it may."""
        return next((one.why for one in self.left_as_is if name in one.names), "")

    def link(self, name: str) -> Link:
        """The link of that name.

        Raises `CatalogError` for a name that the row does not have.
        """
        for link in self.links:
            if link.name == name:
                return link
        raise CatalogError(f"catalog row {self.name!r} has no link {name!r}")

    def link_path(self, link: Link) -> str:
        """The path that lists `link`, with `{id}` for the object's id."""
        return link.path or f"{self.path}/{{id}}/{link.name}"
