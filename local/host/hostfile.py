"""host.json as far as the local host obeys it.

Invariant: a value that is there is obeyed or refused with its name, never ignored in silence; what is absent
has the default that Azure gives it ("host.json reference for Azure Functions 2.x and later", Microsoft
Learn).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.host.errors import WrongHostFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["HostFile", "read_host_file"]

_TIMESPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})")
_DEFAULT_TIMEOUT_SECONDS = 30 * 60.0  # Flex Consumption, Premium and Dedicated
_HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")


@dataclass(frozen=True, slots=True)
class HostFile:
    """What host.json says; `function_timeout_seconds` is None for an unlimited time."""

    route_prefix: str
    hub_name: str
    max_activities: int
    max_orchestrators: int
    max_entities: int
    function_timeout_seconds: float | None


def read_host_file(path: Path, settings: Mapping[str, str]) -> HostFile:
    """Return what host.json says, `%NAME%` in the hub's name being a setting.

    Raises WrongHostFile with the name of the value that cannot be meant.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{path} is missing: a function app has its host.json beside function_app.py"
        raise WrongHostFile(message) from None
    except ValueError as error:
        message = f"{path} is no JSON: {error}"
        raise WrongHostFile(message) from None
    if not isinstance(content, dict) or content.get("version") != "2.0":
        message = f'{path}: "version" must be "2.0"'
        raise WrongHostFile(message)
    by_core = 10 * (os.cpu_count() or 1)  # the extension's default is per core
    durable = _section(content, "extensions.durableTask")
    return HostFile(
        route_prefix=_text(_section(content, "extensions.http"), "routePrefix", "api").strip("/"),
        hub_name=_hub_name(_text(durable, "hubName", "TestHubName"), settings),
        max_activities=_count(durable, "maxConcurrentActivityFunctions", by_core),
        max_orchestrators=_count(durable, "maxConcurrentOrchestratorFunctions", by_core),
        max_entities=_count(durable, "maxConcurrentEntityFunctions", by_core),
        function_timeout_seconds=_timeout(content.get("functionTimeout")),
    )


def _section(content: dict[str, Any], dotted: str) -> dict[str, Any]:
    section = content
    for name in dotted.split("."):
        found: object = section.get(name, {})
        if not isinstance(found, dict):
            message = f'host.json: "{dotted}" must be an object'
            raise WrongHostFile(message)
        section = found
    return section


def _text(section: dict[str, Any], name: str, default: str) -> str:
    value = section.get(name, default)
    if not isinstance(value, str):
        message = f'host.json: "{name}" must be a text, found {value!r}'
        raise WrongHostFile(message)
    return value


def _hub_name(written: str, settings: Mapping[str, str]) -> str:
    value = written
    if len(written) > 2 and written.startswith("%") and written.endswith("%"):
        name = written.strip("%")
        if name not in settings:
            message = f'host.json: "hubName" is the setting {name}, which is not set'
            raise WrongHostFile(message)
        value = settings[name]
    if not _HUB_NAME.fullmatch(value):
        message = f'host.json: "hubName" must be 3 to 45 letters and digits, the first a letter; found {value!r}'
        raise WrongHostFile(message)
    return value


def _count(section: dict[str, Any], name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        message = f'host.json: "{name}" must be a whole number of 1 or more, found {value!r}'
        raise WrongHostFile(message)
    return value


def _timeout(value: object) -> float | None:
    if value is None:
        return _DEFAULT_TIMEOUT_SECONDS
    if value == "-1":
        return None
    match = _TIMESPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        message = f'host.json: "functionTimeout" must be "hh:mm:ss" or "-1" for no limit, found {value!r}'
        raise WrongHostFile(message)
    days, hours, minutes, seconds = (int(part or 0) for part in match.group("days", "hours", "minutes", "seconds"))
    total = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if total <= 0:
        message = f'host.json: "functionTimeout" must be longer than nothing, found {value!r}'
        raise WrongHostFile(message)
    return total
