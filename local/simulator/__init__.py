"""A tenant simulator that behaves as Microsoft Graph does, including where Graph is unkind.

How it is built, and where what goes:

- `schema.py`: types, enums and navigation drawn from msgraph-sdk. `model.py`: paths, tables, links.
- `store.py`: one tenant in memory; every change goes through it and is logged (delta, audit and truth read the log).
- `routing.py`: a path becomes a `Target`. `app.py`: the gates a request passes. `server.py`: HTTP.
- `reads/`: collections, single objects, expand, filter, delta, batch, functions. Change nothing.
- `writes/`: `answer(tenant, request, target, caller)`; what Graph accepts and refuses, and what follows.
- `access/`: tokens, discovery, permissions. `faults/`: scripted unkindness and quotas. `control.py`: `/simulator`.
- `generator/`: `populate(store, schemas, users=, groups=, seed=)` builds a believable tenant.

It imports nothing from the rest of Cairn.
"""

from local.simulator.simulator import Simulator

__all__ = ["Simulator"]
