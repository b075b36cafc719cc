"""Stream properties: an application's logo and the images of branding (Update organizationalBranding; Set logo)."""

from __future__ import annotations

import base64

from local.simulator.errors import GraphError, not_allowed, not_found
from local.simulator.http_types import Response
from local.simulator.writes.change import Write, edit, no_content

LOGO = ("logo",)
BRANDING = ("backgroundImage", "bannerLogo", "customCSS", "favicon", "headerLogo", "squareLogo", "squareLogoDark")
STREAMS = {
    "application": LOGO, "organizationalBranding": BRANDING, "organizationalBrandingLocalization": BRANDING,
}  # fmt: skip
MOST_BYTES = {
    "logo": 100_000, "backgroundImage": 300_000, "bannerLogo": 50_000, "customCSS": 25_000, "favicon": 20_000,
    "headerLogo": 20_000, "squareLogo": 50_000, "squareLogoDark": 50_000,
}  # fmt: skip


def put(write: Write) -> Response:
    """PUT of a stream's bytes: 204."""
    record, name = write.record(), write.target.name
    if name not in STREAMS.get(record.table, ()):
        raise not_allowed()
    content = write.request.body
    kind = write.request.headers.get("content-type", "").partition(";")[0]
    wanted = "text/css" if name == "customCSS" else "image/"
    if not content or not kind.startswith((wanted, "application/octet-stream")):
        raise GraphError(415, "Request_BadRequest", f"The content type '{kind}' is not supported.")
    if len(content) > MOST_BYTES[name]:
        raise GraphError(413, "Request_BadRequest", f"The content of '{name}' is too large.")
    shown = "info" if name == "logo" else f"{name}RelativeUrl"
    address = f"{record.key.rpartition(':')[2]}/{name}"
    value = (
        (record.read().get("info") or {}) | {"logoUrl": f"https://cdn.invalid/{address}"} if name == "logo" else address
    )
    edit(write, record, **{name: base64.b64encode(content).decode(), shown: value})
    return no_content()


def delete(write: Write) -> Response:
    """DELETE of a stream: 204."""
    record, name = write.record(), write.target.name
    if name not in STREAMS.get(record.table, ()):
        raise not_allowed()
    body = record.read()
    if not body.get(name):
        raise not_found(name)
    shown = "info" if name == "logo" else f"{name}RelativeUrl"
    value = (body.get("info") or {}) | {"logoUrl": None} if name == "logo" else None
    edit(write, record, **{name: None, shown: value})
    return no_content()
