"""Where Microsoft Graph and the login authority of each cloud are, and which addresses an answer may send Cairn to.

Invariant: a token leaves this process only for the configured Graph root, so a nextLink, deltaLink or Location is
followed only if its scheme, host and port are exactly that root's.
Source: "National cloud deployments" in the Microsoft Graph documentation.
"""

from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlsplit

from shared.catalog.row import Cloud
from shared.errors import Garbled, SettingsError

GRAPH_ROOTS: dict[Cloud, str] = {
    "global": "https://graph.microsoft.com",
    "usGovL4": "https://graph.microsoft.us",
    "usGovL5": "https://dod-graph.microsoft.us",
    "china": "https://microsoftgraph.chinacloudapi.cn",
}
AUTHORITIES: dict[Cloud, str] = {
    "global": "https://login.microsoftonline.com",
    "usGovL4": "https://login.microsoftonline.us",
    "usGovL5": "https://login.microsoftonline.us",
    "china": "https://login.partner.microsoftonline.cn",
}
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
DEFAULT_PORTS = {"https": 443, "http": 80}

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The two roots that one deployment talks to; both without a path and without a slash at the end."""

    cloud: Cloud
    graph: str
    login: str

    @property
    def scope(self) -> str:
        """The scope that asks for every application permission consented to in this cloud's Graph."""
        return f"{self.graph}/.default"

    def address(self, path: str, version: str = "v1.0") -> str:
        """The whole address of `path` (below the version); an absolute one is checked and kept as it is."""
        if path.startswith("/"):
            return f"{self.graph}/{version}{path}"
        return self.followed(path)

    def followed(self, link: str) -> str:
        """`link` itself, if it leads to the configured Graph root; else Garbled, since it is never to be followed."""
        if origin(link) != origin(self.graph):
            raise Garbled(
                f"an answer of Microsoft Graph points to another host ({host_of(link)}), which is not followed",
                code="foreignAddress",
            )
        return link

    def relative(self, link: str) -> tuple[str, str]:
        """(version, path with query) of an address below the Graph root, as `$batch` wants it."""
        rest = self.followed(link).split("://", 1)[1]
        _, _, path = rest.partition("/")
        version, _, below = path.partition("/")
        return version, f"/{below}"


def endpoints(cloud: Cloud, *, graph_url: str = "", login_url: str = "") -> Endpoints:
    """The roots of `cloud`, each overridden if an address is given; plain http is taken for loopback only."""
    if cloud not in get_args(Cloud):
        raise SettingsError("cloud", f"one of {', '.join(get_args(Cloud))}", repr(cloud))
    return Endpoints(
        cloud=cloud,
        graph=_root("CAIRN_GRAPH_URL", graph_url or GRAPH_ROOTS[cloud]),
        login=_root("CAIRN_LOGIN_URL", login_url or AUTHORITIES[cloud]),
    )


def is_loopback(url: str) -> bool:
    """Whether the address is plain http on this machine, the only place where no TLS is needed."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS


def origin(url: str) -> Origin:
    """(scheme, host, port) of an address; ("", "", 0) if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    # User names in an address are a classic way to make a foreign host look like a known one.
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return "", "", 0
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS.get(parts.scheme, 0)


def host_of(url: str) -> str:
    """The host of an address for a message: no path, no query, since those may hold tokens."""
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"


def _root(setting: str, url: str) -> str:
    root = url.rstrip("/")
    scheme, host, _ = origin(root)
    expected = "an https address without a path (plain http on 127.0.0.1 only)"
    if not host or urlsplit(root).path or urlsplit(root).query or urlsplit(root).fragment:
        raise SettingsError(setting, expected, host_of(url))
    if scheme != "https" and not is_loopback(root):
        raise SettingsError(setting, expected, f"{scheme}://{host}")
    return root
