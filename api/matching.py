"""`If-Match`: a PUT that replaces only what was read."""

from typing import Annotated

from fastapi import Header

from api.problems import Problem, wrong

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that a GET gave: replace only those.")]

DEFAULTS = '"defaults"'
"""The ETag of what was never set."""


def matched(if_match: str | None, etag: str) -> str | None:
    """The etag to replace by (None: whatever is there); raises 412 if what was read is no longer there."""
    if if_match in (None, "*"):
        return None
    if if_match != (etag or DEFAULTS):
        raise changed_since("settings")
    return etag


def changed_since(what: str) -> Problem:
    """412 for what somebody else has replaced."""
    return Problem(
        412, "changedMeanwhile", f"The {what} were changed since they were read.",
        errors=[wrong("If-Match", None, f"the ETag of the {what} as they are now")],
        remedy="Read them again, and repeat the change.",
    )
