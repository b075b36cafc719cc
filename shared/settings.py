"""Every setting of Cairn: its name, default, form and meaning, in one table that is the `Settings` class itself.

A field `graph_url` is the environment variable `CAIRN_GRAPH_URL`. An empty variable counts as unset. A wrong value
raises `SettingsError` with the name, what was expected and what was found; a secret's value is never shown.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from shared.errors import SettingsError

CloudName = Literal["global", "usGovL4", "usGovL5", "china"]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Form:
    """What a setting's text must look like: `expected` in words, and `read`, which raises ValueError otherwise."""

    expected: str
    read: Callable[[str], Any]


def _text(found: str) -> str:
    return found


def _root(found: str) -> str:
    if urlsplit(found).path.strip("/"):
        raise ValueError(found)
    return _address(found)


def _address(found: str) -> str:
    parts = urlsplit(found)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.fragment or parts.username or " " in found:
        raise ValueError(found)
    _ = parts.port  # raises ValueError where it is no number
    return found.rstrip("/")


def _issuer(found: str) -> str:
    _address(found)
    return found  # as it stands: `iss` is compared letter by letter


def _key_place(found: str) -> str:
    return found if found.startswith("/") else _address(found)


def _task_hub(found: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", found):
        raise ValueError(found)
    return found


def _guid(found: str) -> str:
    if not GUID.fullmatch(found):
        raise ValueError(found)
    return found.lower()


def _application_id(found: str) -> str:
    # Entra's are GUIDs; whoever stands in for Graph (`--graph-url`) may name its clients otherwise.
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", found):
        raise ValueError(found)
    return found


def _guids(found: str) -> tuple[str, ...]:
    return tuple(_guid(part.strip()) for part in found.split(",") if part.strip())


def one_of(*choices: str) -> Form:
    """A setting that is one of these words."""

    def read(found: str) -> str:
        if found not in choices:
            raise ValueError(found)
        return found

    return Form("one of " + ", ".join(choices), read)


def whole_number(least: int, most: int) -> Form:
    """A setting that is a whole number, both ends allowed."""

    def read(found: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", found) or not least <= int(found) <= most:
            raise ValueError(found)
        return int(found)

    return Form(f"a whole number from {least} to {most}", read)


def _host(found: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", found):
        raise ValueError(found)
    return found


def _mail_address(found: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]", found):
        raise ValueError(found)
    return found


TEXT = Form("text", _text)
HOST = Form("the name or the IPv4 address of a host", _host)
MAIL_ADDRESS = Form("an e-mail address", _mail_address)
TASK_HUB = Form("3 to 45 letters and digits, a letter first", _task_hub)
CLOUD = one_of("global", "usGovL4", "usGovL5", "china")
ROOT = Form("an https address without a path (http on loopback only)", _root)
ADDRESS = Form("an https address (http on loopback only)", _address)
ISSUER = Form(ADDRESS.expected, _issuer)
KEY_PLACE = Form("the https address of a Key Vault key, or an absolute file path", _key_place)
ONE_GUID = Form("a GUID", _guid)
APPLICATION_ID = Form("an application (client) id: letters, digits and dashes", _application_id)
SOME_GUIDS = Form("GUIDs with commas between them", _guids)


def setting(default: Any, form: Form, meaning: str, *, secret: bool = False) -> Any:
    """One row of the table."""
    return field(default=default, repr=not secret, metadata={"form": form, "meaning": meaning, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one deployment, checked; made by `read_settings`."""

    cloud: CloudName = setting(  # noqa: RUF009 - a row of the table; its default is a text
        "global", CLOUD, "The Microsoft cloud of this deployment and of the tenants it protects."
    )
    region: str = setting("", TEXT, "The Azure region this deployment runs in; shown by /me and in events.")
    graph_url: str = setting("", ROOT, "Root of Microsoft Graph; empty means the cloud's own.")
    login_url: str = setting("", ROOT, "Root of the sign-in service (authority); empty means the cloud's own.")
    tenant_id: str = setting(
        "", ONE_GUID, "The tenant that a local stack registers by itself; Azure deployments leave it empty."
    )
    client_id: str = setting("", APPLICATION_ID, "Application (client) id that reads tenants (consent `basic`).")
    client_secret: str = setting(
        "", TEXT, "Its client secret; local use only, Azure uses the managed identity.", secret=True
    )
    client_certificate_path: str = setting(
        "", TEXT, "PEM file with certificate and private key, instead of the client secret."
    )
    restore_client_id: str = setting(
        "", APPLICATION_ID,
        "Application (client) id that changes tenants (consent `restore`); empty means the reading one.",
    )
    restore_client_secret: str = setting("", TEXT, "Its client secret; local use only.", secret=True)
    restore_client_certificate_path: str = setting(
        "", TEXT, "PEM file with certificate and private key, instead of the restore client secret."
    )
    managed_identity_client_id: str = setting(
        "", ONE_GUID, "The user-assigned managed identity that stands behind both applications and opens storage."
    )
    vault_url: str = setting("", ADDRESS, "Blob endpoint of the vault account, which keeps restore points.")
    vault_connection_string: str = setting(
        "", TEXT, "Connection string of the vault account, instead of its address; local use only.", secret=True
    )
    workspace_url: str = setting(
        "", ADDRESS, "Blob endpoint for what may be lost (checkpoints, indexes); empty means the vault's account."
    )
    workspace_connection_string: str = setting(
        "", TEXT, "Connection string of the workspace account, instead of its address; local use only.", secret=True
    )
    records_url: str = setting("", ADDRESS, "Table endpoint for tasks, events and the tenant registry.")
    records_connection_string: str = setting(
        "", TEXT, "Connection string of the records account, instead of its address; local use only.", secret=True
    )
    key_url: str = setting(
        "", KEY_PLACE, "The key that wraps delta tokens and one-time passwords: a Key Vault key, locally a file."
    )
    auth_issuer: str = setting(
        "", ISSUER,
        "Issuer of the bearer tokens that callers present; `{tenantid}` in it stands for each home tenant.",
    )
    auth_audience: str = setting("", TEXT, "Audience (`aud`) that those tokens must have.")
    home_tenants: tuple[str, ...] = setting(
        (), SOME_GUIDS, "Tenants whose people and apps may call; empty means every tenant that the issuer signs for."
    )
    event_grid_endpoint: str = setting("", ADDRESS, "Event Grid topic for alerts; empty sends none.")
    event_grid_key: str = setting("", TEXT, "Access key of that topic; empty means the identity.", secret=True)
    body_limit_bytes: int = setting(
        1_048_576, whole_number(1024, 104_857_600), "Largest request body that the HTTP interface takes, in bytes."
    )
    report_days: int = setting(
        90, whole_number(1, 1825),
        "Days that a difference report is kept after it was last made; at most as long as the restore points that it "
        "compares.",
    )
    plan_days: int = setting(
        7, whole_number(1, 365), "Days for which the plan of a restore, and its approval, can be applied."
    )
    task_hub: str = setting("CairnTaskHub", TASK_HUB, "Name of the Durable Task hub; two deployments never share one.")
    data: str = setting("", TEXT, "Data folder of a local stack (`--data`); unused in Azure.")
    schedule_cron: str = setting(
        "0 * * * * *", TEXT, "NCRONTAB schedule on which Cairn looks for tenants whose backup is due."
    )
    watch_cron: str = setting(
        "30 * * * * *", TEXT, "NCRONTAB schedule on which Cairn closes tasks whose orchestration is gone."
    )
    alert_cron: str = setting("15 * * * * *", TEXT, "NCRONTAB schedule on which alerts that wait are sent.")
    audit_cron: str = setting(
        "45 */5 * * * *", TEXT, "NCRONTAB schedule on which new entries of the audit trail go into the vault."
    )
    consent_cron: str = setting(
        "20 17 * * * *", TEXT, "NCRONTAB schedule on which Cairn looks for tenants whose consents are to be checked."
    )
    notification_cron: str = setting(
        "5,35 * * * * *", TEXT, "NCRONTAB schedule on which notifications that wait are sent."
    )
    requests_per_minute: int = setting(
        6000, whole_number(6, 1_000_000), "Requests a minute that one caller may send to one worker; more get 429."
    )
    smtp_host: str = setting("", HOST, "SMTP relay for notifications by e-mail; empty sends none that way.")
    smtp_port: int = setting(587, whole_number(1, 65_535), "Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = setting(
        "starttls", one_of("starttls", "tls", "none"), "How the connection is secured; `none` on loopback only."
    )
    smtp_user: str = setting("", TEXT, "User name at the relay; empty signs in without.")
    smtp_password: str = setting("", TEXT, "Its password; in Azure a Key Vault reference.", secret=True)
    mail_from: str = setting("", MAIL_ADDRESS, "Sender of notifications by e-mail; needed for either way.")
    communication_url: str = setting(
        "", ADDRESS, "Endpoint of an Azure Communication Services resource that sends e-mail, instead of SMTP."
    )
    communication_key: str = setting(
        "", TEXT, "Access key of that resource; empty means the identity.", secret=True
    )
    private_webhooks: Literal["allow", "refuse"] = setting(
        "refuse", one_of("allow", "refuse"),
        "Whether webhooks may lead to private and loopback addresses, and a tenant's `credentialsVault` to this "
        "machine; the local stack allows it."
    )
    public_url: str = setting(
        "", ROOT,
        "Root of Cairn's own address where a gateway stands before it, for `nextLink`; empty means the request's Host.",
    )

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for name in ("vault", "workspace", "records"):
            if getattr(self, f"{name}_url") and getattr(self, f"{name}_connection_string"):
                raise SettingsError(
                    f"CAIRN_{name.upper()}_URL", f"either it or CAIRN_{name.upper()}_CONNECTION_STRING", "both"
                )


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of the settings table, for documents and messages."""

    name: str
    default: str
    expected: str
    meaning: str
    secret: bool


def settings_table() -> list[SettingRow]:
    """Every setting, in the order of the table."""
    return [
        SettingRow(
            name=_variable(row.name),
            default="" if row.default is MISSING or row.default in ("", ()) else str(row.default),
            expected=cast(Form, row.metadata["form"]).expected,
            meaning=row.metadata["meaning"],
            secret=row.metadata["secret"],
        )
        for row in fields(Settings)
    ]


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environment` (default: the process's); raises SettingsError at the first wrong one."""
    found = os.environ if environment is None else environment
    given: dict[str, Any] = {}
    for row in fields(Settings):
        name = _variable(row.name)
        text = found.get(name, "").strip()
        if not text:
            continue
        form: Form = row.metadata["form"]
        try:
            given[row.name] = form.read(text)
        except ValueError:
            shown = "something else (not shown: it is a secret)" if row.metadata["secret"] else repr(text[:200])
            raise SettingsError(name, form.expected, shown) from None
    return Settings(**given)


def need(settings: Settings, *names: str) -> None:
    """Raise SettingsError unless at least one of these fields is set."""
    if not any(getattr(settings, name) for name in names):
        raise SettingsError(" or ".join(_variable(name) for name in names), "a value", "nothing")


def _variable(field_name: str) -> str:
    return f"CAIRN_{field_name.upper()}"
