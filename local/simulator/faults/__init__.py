"""Unkindness: real quotas, always on, and scripted faults, only when asked for."""
