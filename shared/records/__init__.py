"""Records: tasks, events, the index of restore points, run locks and idempotency keys, over Table Storage.

The vault alone is the truth about restore points; everything here can be rebuilt from it or is the story of the work.
"""
