"""A simulated tenant and the Cairn that protects it, as the laws have it."""

from tests.laws.conftest import protected

__all__ = ["protected"]
