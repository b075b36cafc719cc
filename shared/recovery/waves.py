"""Numbers of a plan's waves: the catalog's, with room between them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.catalog import restore_waves

FIRST, OBJECTS, LINKS, LAST = 0, 1, 2, 3
"""Steps of a type: what must go before its objects, the objects, what needs all objects, what needs all links."""


@dataclass(frozen=True, slots=True)
class Waves:
    """Catalog waves with room between them: objects, then what can only be written when all objects stand."""

    objects: Mapping[str, int]
    links: Mapping[str, int]
    last: int

    def number(self, object_type: str, step: int) -> int:
        """The wave of a step of this type."""
        if step == LINKS:
            return self.links[object_type] * 10 + LINKS
        if step == LAST:
            return self.last * 10 + LAST
        return self.objects[object_type] * 10 + step

    def deletion(self, object_type: str) -> int:
        """After all else, and what refers to others before what is referred to."""
        return (self.last + 1) * 10 + (self.last - self.objects[object_type]) * 10


def wave_numbers() -> Waves:
    """Those of the catalog."""
    waves = restore_waves()
    objects = {name: wave.number for wave in waves for name in wave.object_types}
    link_waves = [wave.number for wave in waves if wave.links]
    links = {}
    for name, number in objects.items():
        links[name] = next((one for one in link_waves if one >= number), waves[-1].number)
    return Waves(objects, links, waves[-1].number)
