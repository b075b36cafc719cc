"""Which addresses may be named as the Key Vault that generated passwords go to.

Invariant: an address that passes leads to Microsoft's Key Vault of the deployment's cloud, or to this machine where the
deployment allows that; so neither a password nor a token of Cairn's identity is led anywhere else by a setting.
Source: "Azure Key Vault keys, secrets, and certificates overview" (names and DNS suffixes of vaults in each cloud).
"""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.expectations import expecting
from shared.settings import LOOPBACK, CloudName

SUFFIXES: Mapping[CloudName, str] = {
    "global": "vault.azure.net",
    "usGovL4": "vault.usgovcloudapi.net",
    "usGovL5": "vault.usgovcloudapi.net",
    "china": "vault.azure.cn",
}
_NAME = re.compile(r"(?=.{3,24}$)[a-z](-?[a-z0-9])*")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")


def is_loopback(address: str) -> bool:
    """Whether it is plain http on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def why_refused(address: str, *, cloud: CloudName, loopback_allowed: bool) -> str:
    """What the address should be in this deployment; empty where it may be used."""
    if is_loopback(address):
        return "" if loopback_allowed else expected(cloud)
    return "" if address.endswith(f".{SUFFIXES[cloud]}") else expected(cloud)


def expected(cloud: CloudName) -> str:
    """The form of an address, in words."""
    return f"the root of a Key Vault, https://NAME.{SUFFIXES[cloud]}"


def _root(found: str) -> str:
    address = found.lower().rstrip("/")
    if _LOOPBACK.fullmatch(address):
        _ = urlsplit(address).port  # raises ValueError where it is none
        return address
    host = address.removeprefix("https://")
    for suffix in SUFFIXES.values():
        name = host.removesuffix(f".{suffix}")
        if host != address and name != host and _NAME.fullmatch(name):
            return address
    raise ValueError(found)


CredentialsVault = Annotated[
    str, Field(max_length=200), AfterValidator(_root), expecting(expected("global") + " (or the cloud's own suffix)")
]
"""The address of a Key Vault, in small letters and without a slash at its end."""
