"""The local host: runs the unmodified function app without the Functions host.

`LocalHost` is all that others need; `HostError` is what a start that cannot succeed raises.
"""

from local.host.errors import HostError
from local.host.host import LocalHost

__all__ = ["HostError", "LocalHost"]
