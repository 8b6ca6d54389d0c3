"""Tests of the domain run inside an application context, on both engines."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import transaction


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(autouse=True)
def _in_context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield
        transaction.release()
