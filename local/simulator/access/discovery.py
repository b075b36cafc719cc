"""Discovery documents that azure-identity and MSAL ask for when their authority is this simulator."""

from __future__ import annotations

import base64

import orjson

from local.simulator.access.tokens import key_id, signing_key
from local.simulator.http_types import Request, Response


def openid(request: Request, tenant_id: str) -> Response:
    """`/{tenant}/v2.0/.well-known/openid-configuration`."""
    base = f"{request.root}/{tenant_id}"
    return _json(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def instances(request: Request) -> Response:
    """`/common/discovery/instance`: this host is its own cloud."""
    host = request.root.partition("://")[2]
    return _json(
        {
            "tenant_discovery_endpoint": f"{request.root}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )


def keys() -> Response:
    """The public signing key as JWKS."""
    numbers = signing_key().public_key().public_numbers()
    return _json(
        {
            "keys": [
                {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id(), "n": _text(numbers.n),
                 "e": _text(numbers.e)}
            ]
        }
    )  # fmt: skip


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).decode().rstrip("=")


def _json(value: object) -> Response:
    return Response(200, orjson.dumps(value), {"content-type": "application/json; charset=utf-8"})
