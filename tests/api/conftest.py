"""The HTTP interface on records in memory, with a durable client that remembers, and an issuer of its own."""

import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from durabletask.client import OrchestrationStatus

from api.app import create_api
from api.durable import current_client
from api.services import Services
from shared.deployment import Records, records_in_memory
from shared.notifications.delivery import Senders
from shared.notifications.senders import senders_of
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.security.tokens import TokenValidator
from shared.settings import Settings

ISSUER = "https://issuer.example/home/v2.0"
AUDIENCE = "api://cairn-test"
TENANT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

type Mint = Callable[..., str]


@dataclass
class Opened:
    """A deployment in memory."""

    settings: Settings
    records: Records
    vault: MemoryBlobStore
    workspace: MemoryBlobStore
    cipher: LocalTokenCipher
    senders: Senders


@dataclass
class State:
    runtime_status: OrchestrationStatus


@dataclass
class FakeDurable:
    """Takes orchestrations as the real client does, by its method names, and runs nothing."""

    scheduled: list[tuple[str, Any, str]] = field(default_factory=list)
    states: dict[str, OrchestrationStatus] = field(default_factory=dict)
    fails: Exception | None = None

    async def schedule_new_orchestration(
        self, orchestrator: str, *, input: Any = None, instance_id: str | None = None  # noqa: A002
    ) -> str:
        if self.fails:
            raise self.fails
        assert instance_id is not None
        assert instance_id not in self.states, "ALREADY_EXISTS"
        self.scheduled.append((orchestrator, input, instance_id))
        self.states[instance_id] = OrchestrationStatus.RUNNING
        return instance_id

    async def get_orchestration_state(self, instance_id: str, *, fetch_payloads: bool = True) -> State | None:
        status = self.states.get(instance_id)
        return None if status is None else State(status)

    async def terminate_orchestration(
        self, instance_id: str, *, output: Any | None = None, recursive: bool = True
    ) -> None:
        self.states[instance_id] = OrchestrationStatus.TERMINATED


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "person", "oid": "aaaaaaaa-0000-4000-8000-000000000001",
        "name": "Pat Person", "roles": ["Administrator"], "iat": now, "nbf": now, "exp": now + 600, "auth_time": now,
    }
    return {name: value for name, value in {**base, **changed}.items() if value is not None}


@pytest.fixture
def mint() -> Mint:
    def make(*, kid: str | None = "one", key: Any = KEY, algorithm: str = "RS256", **changed: Any) -> str:
        headers = {"kid": kid} if kid else {}
        return jwt.encode(claims(**changed), key, algorithm=algorithm, headers=headers)

    return make


def documents() -> dict[str, Any]:
    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return {
        f"{ISSUER}/.well-known/openid-configuration": {
            "issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", "id_token_signing_alg_values_supported": ["RS256"],
        },
        f"{ISSUER}/keys": {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]},
    }


def validator() -> TokenValidator:
    published = documents()

    async def fetch(address: str) -> Any:
        return published[address]

    return TokenValidator(issuer=ISSUER, audience=AUDIENCE, home_tenants=frozenset(), fetch=fetch)


@pytest.fixture
def records() -> Records:
    return records_in_memory()


@pytest.fixture
def settings() -> Settings:
    return Settings(body_limit_bytes=65_536)


@pytest.fixture
def services(records: Records, settings: Settings, tmp_path: Path) -> Services:
    cipher = LocalTokenCipher(tmp_path / "key")
    opened = Opened(settings, records, MemoryBlobStore(), MemoryBlobStore(), cipher, senders_of(settings))

    async def open_it() -> Opened:
        return opened

    return Services(open_it, validator(), settings)


@pytest.fixture
def durable() -> FakeDurable:
    return FakeDurable()


@pytest.fixture
async def anonymous(services: Services, durable: FakeDurable) -> AsyncIterator[httpx.AsyncClient]:
    app = create_api(services)

    async def with_client(scope: Any, receive: Any, send: Any) -> None:
        token = current_client.set(durable)
        try:
            await app(scope, receive, send)
        finally:
            current_client.reset(token)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(with_client), base_url="https://cairn.example/api/v1"
    ) as client:
        yield client


@pytest.fixture
def client(anonymous: httpx.AsyncClient, mint: Mint) -> httpx.AsyncClient:
    """An administrator of all tenants."""
    anonymous.headers["Authorization"] = f"Bearer {mint()}"
    return anonymous


@pytest.fixture
async def tenant(records: Records) -> str:
    await records.tenants.register(
        tenant_id=TENANT, display_name="Contoso", cloud="global", kind="workforce", created_by="test"
    )
    return TENANT


@pytest.fixture
def unknown() -> str:
    return str(uuid.uuid4())
