"""Run in the rivals' environment: roadrecon's gather as published, its host led to the stand-in.

`columns` prints which columns its database has, by collection, so that the stand-in can show every property.
"""

import asyncio
import base64
import json
import resource
import sys
import time

import aiohttp


def columns() -> None:
    """Print them as JSON."""
    from roadtools.roadlib.metadef import database

    tables = {
        "users": database.User, "groups": database.Group, "servicePrincipals": database.ServicePrincipal,
        "applications": database.Application, "devices": database.Device,
    }  # fmt: skip
    told = {
        path: {column.name: type(column.type).__name__ for column in table.__table__.columns}
        for path, table in tables.items()
    }
    print(json.dumps(told))


def gather(root: str, tenant_id: str, database: str, requests_per_second: float) -> None:
    """Gather into a fresh database and print what it cost this process."""
    from roadtools.roadrecon import gather as roadrecon

    original = aiohttp.ClientSession._request  # noqa: SLF001 - the one place where its host is chosen

    async def led(self, method, address, **more):  # type: ignore[no-untyped-def]
        text = str(address).replace("https://graph.windows.net", root, 1)
        return await original(self, method, text, **more)

    aiohttp.ClientSession._request = led  # type: ignore[method-assign]  # noqa: SLF001 - as above
    if requests_per_second:
        roadrecon.MAX_REQ_PER_SEC = requests_per_second
    claims = {"aud": "https://graph.windows.net", "tid": tenant_id, "exp": int(time.time()) + 7200}
    token = ".".join(_encoded(part) for part in ({"alg": "none"}, claims, {}))
    roadrecon.token = {
        "accessToken": token, "tokenType": "Bearer", "tenantId": tenant_id,
        "expiresOn": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(claims["exp"])),
    }  # fmt: skip
    roadrecon.dburl = f"sqlite:///{database}"
    arguments = type("Arguments", (), {
        "tenant": tenant_id, "evade": False, "user_agent": None, "skip_first_phase": False, "mfa": False,
    })  # fmt: skip
    idle = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    asyncio.run(roadrecon.run(arguments))
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - idle.ru_utime - idle.ru_stime
    print()
    print(json.dumps({
        "wallSeconds": round(wall, 3), "cpuSeconds": round(cpu, 3), "requests": roadrecon.urlcounter,
        "peakAboveIdleMiB": round((used.ru_maxrss - idle.ru_maxrss) / 1024, 1),
    }))  # fmt: skip


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


if __name__ == "__main__":
    columns() if sys.argv[1] == "columns" else gather(sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5]))
