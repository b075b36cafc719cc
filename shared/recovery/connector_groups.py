"""Connector groups of the application proxy: what a person does to bring one back, request by request. Pure.

Microsoft Graph lets no application write them, so each step is a request of a signed-in Application Administrator.
An application uses one group at a time, and a connector is in one. Sources: Microsoft Graph (beta) "connectorGroup
resource type", "Assign a connectorGroup to an application", "Add a connector to a connectorGroup"; Microsoft Entra
"Publish on-premises apps in separate networks using connector groups".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shared.recovery.state import Json, Links

PROFILE = "/beta/onPremisesPublishingProfiles/applicationProxy"
NEW = "{its new id}"
REGION = " Its region can be set only while the group holds no connector and no application: take them out first."


@dataclass(frozen=True, slots=True)
class ConnectorGroups:
    """Those that there are, as far as they could be read."""

    root: str = "https://graph.microsoft.com"
    by_name: Mapping[str, str] = field(default_factory=dict)
    """Name → id."""
    applications: Mapping[str, str] = field(default_factory=dict)
    """Application → the group that it uses."""
    connectors: Mapping[str, str] = field(default_factory=dict)
    """Connector → the group that it is in."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Application or connector → the name by which people know it."""


    def with_links(self, group: str, links: Links) -> "ConnectorGroups":
        """The same with what one group is known to hold, however little could be read of all of them."""
        return replace(
            self, applications={**dict.fromkeys(links.get("applications", {}), group), **self.applications},
            connectors={**dict.fromkeys(links.get("members", {}), group), **self.connectors},
        )


def steps(
    wanted: Json, present: Json | None, there: ConnectorGroups, *, applications: Iterable[str] = (),
    connectors: Iterable[str] = (),
) -> list[str]:
    """The steps that bring a group with its applications and connectors back: none for what is as it was.

    Four cases: its settings were changed; it is there, and an application was moved out of it; it was deleted, and
    another one of its name is there; it was deleted, and there is none. `present` is None for one that was deleted.
    """
    name = str(wanted.get("name", ""))
    found: list[str] = []
    if present is not None:
        group = str(present.get("id"))
        changed = [each for each in ("name", "region") if each in wanted and present.get(each) != wanted[each]]
        if changed:
            found.append(
                f"PATCH {PROFILE}/connectorGroups/{group} with {_body(wanted, changed)}."
                + (REGION if "region" in changed else "")
            )
    elif name in there.by_name:
        group = there.by_name[name]
        if not _all_in(group, there, applications, connectors):
            found.append(f"The group was deleted, and another of the name {name} is there ({group}): use that.")
    else:
        group = "{the new group's id}"
        found.append(f"Make the group: POST {PROFILE}/connectorGroups with {_body(wanted, ['name', 'region'])}.")
    found += [
        f"Put connector {_named(one, there)} into {name}: POST {PROFILE}/connectors/{one}/memberOf/$ref with "
        f"{_reference(group, there)}."
        for one in sorted(connectors) if there.connectors.get(one) != group
    ]
    found += [
        put_into(one, name, group, there) for one in sorted(applications) if there.applications.get(one) != group
    ]
    return found


def put_into(application: str, name: str, group: str, there: ConnectorGroups) -> str:
    """The step that makes an application use the group."""
    now = NEW if "{new:" in application else application
    return (
        f"Put {_named(application, there)} into {name}: PUT /beta/applications/{now}/connectorGroup/$ref with "
        f"{_reference(group, there)}."
    )


def _all_in(
    group: str, there: ConnectorGroups, applications: Iterable[str], connectors: Iterable[str]
) -> bool:
    return all(there.applications.get(one) == group for one in applications) and all(
        there.connectors.get(one) == group for one in connectors
    )


def _named(one: str, there: ConnectorGroups) -> str:
    name = there.names.get(one, "")
    shown = one.removeprefix("{new:").removesuffix("}")
    return f"{name} ({shown})" if name else shown


def _reference(group: str, there: ConnectorGroups) -> str:
    return f'{{"@odata.id": "{there.root}{PROFILE}/connectorGroups/{group}"}}'


def _body(wanted: Json, names: Iterable[str]) -> str:
    return "{" + ", ".join(f'"{name}": "{wanted[name]}"' for name in names if wanted.get(name)) + "}"
