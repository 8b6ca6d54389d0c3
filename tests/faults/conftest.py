"""Installations of real processes, as tests/processes makes them."""

from tests.processes.conftest import embedded, line, production

__all__ = ["embedded", "line", "production"]
