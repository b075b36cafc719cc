"""The timer of the consents: each tenant's are checked every few hours."""

import logging

from shared.deployment import deployment
from shared.tenants.consent_watch import watch_consents

_LOG = logging.getLogger("cairn.consents")


async def check_consents() -> None:
    """Check the consents that have not been checked for long; what got worse is told as events."""
    opened = await deployment()
    checked = await watch_consents(opened.records, opened.settings)
    if checked:
        _LOG.info("checked %d consents", checked)
