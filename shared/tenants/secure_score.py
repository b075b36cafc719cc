"""A tenant's Secure Score, read where Cairn's app may; else what stands in the way is said.

Source: "List secureScores" (SecurityEvents.Read.All; the newest comes first). The permission is no part of the basic
consent, since no backup needs it: who wants the score on the dashboard grants it.
"""

from typing import Any

from shared.entra.transport import Graph
from shared.errors import EntraError, NotPermitted
from shared.records.times import Clock, as_text, utc_now

PERMISSION = "SecurityEvents.Read.All"


async def secure_score(graph: Graph, *, clock: Clock = utc_now) -> dict[str, Any]:
    """{known, current, max, percent, measuredAt, checkedAt, reason}; all numbers null where it is not known."""
    found: dict[str, Any] = {
        "known": False, "current": None, "max": None, "percent": None, "measuredAt": None,
        "checkedAt": as_text(clock()), "reason": "",
    }  # fmt: skip
    try:
        document = await graph.get_json("/security/secureScores?$top=1", asked="Secure Score", permission=PERMISSION)
    except NotPermitted:
        return {**found, "reason": f"Grant {PERMISSION} to Cairn's reading app to see it."}
    except EntraError as error:
        return {**found, "reason": f"Microsoft Graph did not give it ({type(error).__name__})."}
    values = document.get("value") or []
    if not values:
        return {**found, "reason": "Microsoft has not computed one for this tenant."}
    current, most = values[0].get("currentScore"), values[0].get("maxScore")
    if not isinstance(current, int | float) or not isinstance(most, int | float) or most <= 0:
        return {**found, "reason": "Microsoft Graph gave no numbers."}
    return {
        **found, "known": True, "current": current, "max": most, "percent": round(100 * current / most, 1),
        "measuredAt": values[0].get("createdDateTime"),
    }  # fmt: skip
