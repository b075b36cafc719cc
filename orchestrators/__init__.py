"""Replayed decisions: what is called, in which order, and what follows from each answer. No clock, no I/O."""
