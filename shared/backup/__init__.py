"""Backing up: what a run reads and how, capturing it slice by slice, and sealing it into a restore point.

Here, and only here, reading (`shared.entra`) meets writing (`shared.repository`).
"""
