"""What a tenant's settings may switch on beyond the always-read types: costly, consent-hungry or personal parts.

Every option is off until the tenant's settings ask for it, and then its permissions are wanted as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Option:
    """One switch of `settings.options`: what it adds, and what it costs or needs."""

    name: str
    adds: str
    costs: str
    default: bool = False


_ROWS = (
    Option(
        "inactiveMailboxes",
        "The purpose of each user's mailbox and what is needed to join an inactive mailbox to a user made anew.",
        "One request for each user that is new or changed, and for all at a full read; MailboxSettings.Read. The "
        "identifiers that Exchange alone knows need the Exchange consent, which is not offered yet.",
    ),
    Option(
        "applicationProxy",
        "Application proxy settings of applications, connector groups and connectors (beta).",
        "One request for each application that is published on premises; connector groups are given to signed-in "
        "administrators only (delegated Directory.ReadWrite.All), so their coverage may say `refused`.",
    ),
    Option(
        "claimsMappingPolicies",
        "Claims-mapping policies and the service principals that use them.",
        "Two requests, and one for each policy.",
    ),
    Option(
        "organization",
        "Organization settings, company branding with its pictures, certificate-based authentication, people settings.",
        "Organization.Read.All and OrganizationalBranding.Read.All; to restore, the app needs the Global Administrator "
        "role for some of it.",
    ),
    Option(
        "authenticationMethods",
        "Users' authentication phones and email addresses, the list of their other methods, and per-user MFA state "
        "(beta).",
        "Personal data. Several requests for each user, the most expensive part of a backup; "
        "UserAuthMethod-Phone.Read.All, UserAuthMethod-Email.Read.All, UserAuthenticationMethod.Read.All, "
        "Policy.Read.All.",
    ),
    Option(
        "customSecurityAttributes",
        "Sets and definitions of custom security attributes, and their values on users and service principals.",
        "CustomSecAttributeDefinition.Read.All and CustomSecAttributeAssignment.Read.All, which even Global "
        "Administrators do not have by default.",
    ),
    Option(
        "userProfiles",
        "The parts of a user's profile that SharePoint keeps: about me, birthday, interests, skills, schools.",
        "Personal data. One request for each user that is new or changed, and for all at a full read; changes to them "
        "alone show at a full read only.",
    ),
    Option(
        "signInActivity",
        "When each user last signed in, for information: it is never restored and never counts as a difference.",
        "Personal data. One request for each user that is new or changed; AuditLog.Read.All and a P1 licence.",
    ),
    Option(
        "previewProperties",
        "What only the beta version of Microsoft Graph gives: the extension attributes of devices, by which rules of "
        "groups and filters of Conditional Access choose devices, and newer settings of the authentication methods "
        "policy (system-preferred methods, reporting of suspicious activity).",
        "One request for each device that is new or changed, and for all at a full read. Microsoft may change what is "
        "in beta without notice.",
    ),
    Option(
        "provisioning",
        "Provisioning jobs of enterprise applications with their attribute mappings; the credentials of the target "
        "system cannot be read.",
        "One request for each integrated application; Synchronization.Read.All.",
    ),
)

OPTIONS: Mapping[str, Option] = {option.name: option for option in _ROWS}
DEFAULTS: Mapping[str, bool] = {option.name: option.default for option in _ROWS}


def checked(options: Mapping[str, object]) -> dict[str, bool]:
    """All options with their values, defaults filled in.

    Raises `SettingsError` for a name that is no option or a value that is not true or false.
    """
    chosen = dict(DEFAULTS)
    for name, value in options.items():
        if name not in OPTIONS:
            raise SettingsError(f"options.{name}", "one of " + ", ".join(OPTIONS), "no such option")
        if not isinstance(value, bool):
            raise SettingsError(f"options.{name}", "true or false", type(value).__name__)
        chosen[name] = value
    return chosen
