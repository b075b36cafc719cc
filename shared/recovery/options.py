"""What a restore is asked for: source, selection and options, by the names of the HTTP interface.

pydantic models, since the HTTP interface checks and describes requests with them; unknown fields are refused by name.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.expectations import expecting
from shared.recovery.relink import GUID
from shared.tenants.settings import Body

MOST_IDS = 10_000

Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=512)]], Field(min_length=1, max_length=MOST_IDS)]
_ONE_SPELLING = AfterValidator(lambda ids: [GUID.sub(lambda one: one.group().lower(), each) for each in ids])
ObjectIds = Annotated[Ids, _ONE_SPELLING]
"""Ids of objects; a GUID is the same in capitals."""


class Source(Body):
    """Where the wanted state stands: a restore point, or the restore point of a difference report."""

    backup_id: Annotated[str | None, Field(max_length=64)] = None
    report_id: Annotated[str | None, Field(max_length=64)] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.backup_id is None) == (self.report_id is None):
            raise ValueError("expected exactly one of backupId, reportId")
        return self


class Selection(Body):
    """What is restored: exactly one of its keys."""

    all: Annotated[Literal[True] | None, expecting("true")] = None
    types: Annotated[list[str], Field(min_length=1, max_length=200)] | None = None
    object_ids: ObjectIds | None = None
    change_ids: Ids | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.all, self.types, self.object_ids, self.change_ids)) != 1:
            raise ValueError("expected exactly one of all, types, objectIds, changeIds")
        return self


class RestoreOptions(Body):
    """How it is restored; every default is the least surprising one."""

    from_recycle_bin: bool = True
    create_if_missing: bool = True
    delete_existing_hybrid_user: bool = False
    delete_existing_cloud_user: bool = False
    attributes: Annotated[
        Literal["all"] | dict[str, list[str]], expecting("all, or a list of attributes for each type")
    ] = "all"
    links: Annotated[Literal["merge", "exact", "skip"], expecting("one of merge, exact, skip")] = "merge"
    linked_objects: Annotated[Literal["none", "direct"], expecting("one of none, direct")] = "none"
    new_objects: Annotated[
        Literal["keep", "unlink", "softDelete"], expecting("one of keep, unlink, softDelete")
    ] = "keep"
    conditional_access_state: Annotated[
        Literal["auto", "asBackedUp", "reportOnly", "disabled"],
        expecting("one of auto, asBackedUp, reportOnly, disabled"),
    ] = "auto"
    passwords: Annotated[Literal["random"], expecting("random")] = "random"
    send_invitations: bool = False
    """Whether guests who are made anew get their invitation by mail from Microsoft."""
    new_secrets: bool = False
    """Whether applications and service principals that are made anew get a client secret for each unexpired one that
    they had; off, since a secret that nobody fetches only opens a door."""
    new_signing_certificates: bool = False
    """Whether service principals with SAML sign-on that are made anew get a signing certificate."""
    max_changes: Annotated[
        int | None, Field(ge=1, le=10_000_000), expecting("a whole number from 1 to 10000000")
    ] = None

    def wants_attribute(self, object_type: str, name: str) -> bool:
        """Whether this attribute of the type is to be restored."""
        return self.attributes == "all" or name in self.attributes.get(object_type, ())


    def misspelt(self) -> list[tuple[str, str]]:
        """(type, name) of what `attributes` names and the type has not: nothing of it would ever be restored."""
        if self.attributes == "all":
            return []
        return [
            (row.name, name) for object_type, names in self.attributes.items()
            if (row := OBJECT_TYPES.get(object_type)) is not None and row.select
            for name in names if name not in _names_of(row) and not name.startswith("extension_")
        ]


def _names_of(row: ObjectType) -> frozenset[str]:
    """The attributes and links of a type whose properties are asked for by name."""
    apart = {name for name, _ in (*row.actions, *row.documents)}
    of_subtypes = {name for one in row.subtypes for name in one.properties}
    return frozenset({
        *row.select, *row.singly, *row.in_beta, *row.streams, *row.expand, *row.inline, *apart, *of_subtypes,
        *(link.name for link in row.links),
    })


class RestoreRequest(Body):
    """A whole request, as POST /restores takes it."""

    source: Source
    selection: Selection
    options: RestoreOptions = RestoreOptions()
    apply: bool = False
    force: bool = False
    reason: Annotated[str, Field(max_length=1000)] = ""
