"""What a chapter of the demo may use, and what chapters tell each other."""

from dataclasses import dataclass, field
from pathlib import Path

from local.demo.interface import Interface
from local.demo.stage import Stage


@dataclass(slots=True)
class Scene:
    """One telling of the story."""

    stage: Stage
    cairn: Interface
    graph_url: str
    admin_client_id: str
    """The app that plays the people who change the tenant, with `admin_client_secret`."""
    admin_client_secret: str = field(repr=False)
    storage: str = field(repr=False)
    """Connection string of the vault's account."""
    folder: Path
    """The demo's temporary data folder."""
    backup_id: str = ""
    """The restore point that the story is about, once there is one."""
