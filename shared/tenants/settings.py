"""A tenant's settings: schedule, retention, options, approvals, break-glass accounts, watch rules, and the
Key Vault for generated passwords.

Settings are whole: a PUT replaces them, and what it leaves out takes its default. The names of the options come from
the catalog (`shared/catalog/options.py`). pydantic models, since the HTTP interface checks and describes them with it.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.expectations import expecting
from shared.tenants.credentials_vault import CredentialsVault


def _small(guid: str) -> str:
    return guid.lower()


Guid = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        json_schema_extra={"format": "uuid"},
    ),
    AfterValidator(_small),
    expecting("a GUID"),
]
"""A GUID, kept in small letters."""

ClockTime = Annotated[
    str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), expecting("a time of day as HH:MM, 00:00 to 23:59, UTC")
]
"""`HH:MM`, UTC."""


class Body(BaseModel):
    """JSON in camelCase whose fields are all known; what is unknown is refused by name, types are not guessed."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True,
        json_schema_serialization_defaults_required=True,
    )


def _switch(name: str) -> Callable[[Any], Any]:
    """Lets `true` or `false` alone stand for the object with that one field."""
    return lambda value: {name: value} if isinstance(value, bool) else value


class Schedule(Body):
    """When backups start by themselves; `start_at` is null until the first backup sets it."""

    enabled: bool = False
    times_per_day: Annotated[int, Field(ge=1, le=4), expecting("a whole number from 1 to 4")] = 1
    start_at: ClockTime | None = None


class Approvals(Body):
    """Whether a second person must approve before a restore changes the tenant."""

    required: bool = False


class Watch(Body):
    """Which changes found after a backup raise an alert, and how many deletions, or which share of the objects of a
    type, count as a mass deletion."""

    enabled: bool = True
    mass_deletion: bool = True
    mass_deletion_count: Annotated[
        int, Field(ge=1, le=1_000_000), expecting("a whole number from 1 to 1000000")
    ] = 50
    mass_deletion_percent: Annotated[
        int, Field(ge=1, le=100), expecting("a whole number from 1 to 100")
    ] = 10
    conditional_access_weakened: bool = True
    new_global_administrator: bool = True
    break_glass_touched: bool = True
    high_privilege_grants: bool = True


class TenantSettings(Body):
    """All settings of one tenant."""

    schedule: Schedule = Schedule()
    retention_days: Annotated[int, Field(ge=1, le=1825), expecting("a whole number from 1 to 1825")] = 1825
    options: dict[str, bool] = Field(default_factory=dict)
    approvals: Annotated[Approvals, BeforeValidator(_switch("required"))] = Approvals()
    break_glass_ids: list[Guid] = Field(default_factory=list, max_length=100)
    watch: Annotated[Watch, BeforeValidator(_switch("enabled"))] = Watch()
    credentials_vault: CredentialsVault | None = None
    """The Key Vault that passwords made by restores are written to; null shows them once instead."""
    run_now: bool = False
    """In a PUT: start a backup as well. Never kept, so it reads as false."""

    def completed(self, option_defaults: Mapping[str, bool]) -> Self:
        """The same settings with every option of the catalog present."""
        return self.model_copy(update={"options": {**option_defaults, **self.options}})
