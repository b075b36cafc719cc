"""`python -m local`: the local stack, the tenant simulator, tokens and the demo, from the command line.

Standard output carries what scripts read (the ready line, the token, the story); what went wrong is one line
on standard error and exit status 1; a wrong argument is status 2.
"""

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.data_folder import DataFolder, data_folder
from local.errors import LocalStackError
from shared.errors import CairnError

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
HIGHEST_PORT = 65_535
CLOUDS = ("global", "usGovL4", "usGovL5", "china")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked) or 0)
    except CairnError as failure:
        print(f"cairn: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _up(asked: argparse.Namespace) -> None:
    from local.directory import names_a_tenant
    from local.dotenv import read_dotenv
    from local.simulated_tenant import Size
    from local.stack import Options, up

    data = data_folder(asked.data)
    environment = {**(read_dotenv(asked.env_file) if asked.env_file else {}), **os.environ}
    real = bool(asked.graph_url)
    if asked.env_file and names_a_tenant(environment):
        real = True
        # One folder a tenant: a simulated one must not appear beside it.
        data = DataFolder(data.root / environment.get("CAIRN_TENANT_ID", "").strip().lower())
        print(
            f"cairn: protecting the tenant that {asked.env_file} names; its data are in {data.root}\n"
            f"cairn: a token for it: .venv/bin/python -m local token --role Administrator --data {data.root}",
            file=sys.stderr,
        )
    up(
        Options(
            port=asked.port,
            data=data,
            environment=environment,
            real=real,
            graph_url=asked.graph_url or "",
            size=Size(asked.users, asked.groups, asked.seed),
        )
    )


def _token(asked: argparse.Namespace) -> None:
    from local.issuer import BUILT_IN_ROLES, open_issuer

    if asked.role not in BUILT_IN_ROLES:
        print(f"cairn: {asked.role} is none of the built-in roles {', '.join(BUILT_IN_ROLES)}", file=sys.stderr)
    issuer = open_issuer(data_folder(asked.data).issuer)
    print(
        issuer.mint(
            asked.role,
            tenants=asked.tenant,
            hours=asked.hours,
            authenticated_hours_ago=asked.authenticated_ago,
        )
    )


def _simulator(asked: argparse.Namespace) -> None:
    from local.ports import need_free
    from local.simulator.serve import run

    if asked.port:
        need_free(asked.port, "the tenant simulator")
    if asked.until_stdin_closes:
        threading.Thread(target=_end_when_stdin_closes, name="parent-watch", daemon=True).start()
    run(asked.port, asked.users, asked.groups, asked.seed, asked.latency_ms, asked.data)


def _end_when_stdin_closes() -> None:
    """Ask this process to end when whoever holds the other end of standard input is gone."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _permissions(asked: argparse.Namespace) -> None:
    from shared.catalog import wanted_permissions
    from shared.catalog.options import OPTIONS

    if unknown := sorted(set(asked.option) - set(OPTIONS)):
        raise LocalStackError(f"no such option: {', '.join(unknown)}; there are {', '.join(OPTIONS)}")
    options = dict.fromkeys(asked.option, True)
    for permission in wanted_permissions("restore" if asked.write else "basic", options, asked.cloud):
        print(permission)


def _rebuild(asked: argparse.Namespace) -> None:
    from local.rebuild import rebuild

    counts = rebuild(data_folder(asked.data)).counts()
    print(" ".join(f"{name}={count}" for name, count in counts.items()))


def _demo(asked: argparse.Namespace) -> int:
    from local.demo.story import tell

    return tell(keep=asked.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Cairn on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="the local stack, until Ctrl-C")
    up.add_argument("--port", type=_port, default=7071, help="port of the HTTP interface; 0 takes a free one")
    up.add_argument("--data", metavar="DIR", help="data folder (default: CAIRN_DATA, else .cairn)")
    up.add_argument(
        "--graph-url", type=_root, metavar="URL",
        help="protect the tenant behind this Graph root; credentials come from CAIRN_TENANT_ID and the rest",
    )  # fmt: skip
    up.add_argument("--env-file", type=Path, metavar="FILE", help="settings; if it names a tenant, that is protected")
    _size(up)
    up.set_defaults(run=_up)

    simulator = commands.add_parser("simulator", help="the tenant simulator alone")
    simulator.add_argument("--port", type=_port, required=True, help="0 takes a free one")
    _size(simulator)
    simulator.add_argument("--latency-ms", type=_milliseconds, default=0.0, metavar="L", help="added to each answer")
    simulator.add_argument("--data", type=Path, metavar="FILE", help="where the tenant is kept between runs")
    simulator.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    simulator.set_defaults(run=_simulator)

    token = commands.add_parser("token", help="a bearer token for the local HTTP interface")
    token.add_argument("--role", required=True, type=_role, help="Reader, Operator, Administrator or Approver")
    token.add_argument(
        "--tenant", action="append", default=[], type=_guid, help="for this tenant only; may be repeated"
    )
    token.add_argument("--hours", type=float, default=1.0, help="lifetime (default 1)")
    token.add_argument(
        "--authenticated-ago", type=float, default=0.0, metavar="H", help="hours since the person signed in"
    )
    token.add_argument("--data", metavar="DIR", help="data folder (default: CAIRN_DATA, else .cairn)")
    token.set_defaults(run=_token)

    permissions = commands.add_parser("permissions", help="the least application permissions, one a line")
    side = permissions.add_mutually_exclusive_group(required=True)
    side.add_argument("--read", action="store_true", help="what backing up needs")
    side.add_argument("--write", action="store_true", help="what restoring needs")
    permissions.add_argument(
        "--option", action="append", default=[], help="a tenant option that is on; may be repeated"
    )
    permissions.add_argument("--cloud", choices=CLOUDS, default="global")
    permissions.set_defaults(run=_permissions)

    rebuild = commands.add_parser("rebuild", help="wipe tables and indexes, and make them anew from the vault")
    rebuild.add_argument("--data", metavar="DIR", help="data folder (default: CAIRN_DATA, else .cairn)")
    rebuild.set_defaults(run=_rebuild)

    demo = commands.add_parser("demo", help="the main job on a simulated tenant, told as a story")
    demo.add_argument("--keep", action="store_true", help="keep the data folder and say where it is")
    demo.set_defaults(run=_demo)
    return parser


def _size(command: argparse.ArgumentParser) -> None:
    command.add_argument("--users", type=_count, default=2000, metavar="N", help="users of a new simulated tenant")
    command.add_argument("--groups", type=_count, default=300, metavar="N", help="its groups")
    command.add_argument("--seed", type=int, default=7, metavar="S", help="equal seeds make equal tenants")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to {HIGHEST_PORT})")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def _milliseconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds")
    return float(text)


def _guid(text: str) -> str:
    if not GUID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no tenant id (a GUID)")
    return text.lower()


def _root(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s?#]+/?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no root address (https://host, without a path)")
    return text.rstrip("/")


def _role(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]{0,119}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no role name")
    return text


if __name__ == "__main__":
    sys.exit(main())
