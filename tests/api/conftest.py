"""Programs that call the API. Every answer they get is checked against the OpenAPI document."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from werkzeug.test import TestResponse

from app import transaction
from app.blueprints.api import openapi
from app.domain import tokens
from app.extensions import db
from app.models import Agent

BASE = "/api/v1"
PROBLEM = {"$ref": "#/components/schemas/Problem"}


class Program:
    """A caller with a token. It refuses to take an answer that the description does not allow."""

    def __init__(self, client: FlaskClient, token: str | None = None) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **more: Any) -> TestResponse:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.call("POST", path, json=json, headers=headers, **more)

    def call(self, method: str, path: str, *, headers: Any = (), **more: Any) -> TestResponse:
        headers = {**self.headers, **dict(headers)}
        response = self.client.open(BASE + path, method=method, headers=headers, **more)
        assert_described(method, path, response)
        return response

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json["items"]


def assert_described(method: str, path: str, response: TestResponse) -> None:
    """The status, content type, headers and members of an answer are those of the document."""
    template = re.sub(r"(?<=^/channels)/\d+", "/{channel_id}", path.partition("?")[0])
    template = re.sub(r"/\d+(?=/|$)", "/{number}", template)
    operation = openapi.document()["paths"].get(template, {}).get(method.lower())
    if operation is None:
        assert response.status_code in (401, 404, 405)
        assert_fits(response.json, PROBLEM)
        return
    described = operation["responses"].get(str(response.status_code))
    assert described, f"{method} {template} does not say it may answer {response.status_code}"
    described = resolved(described)
    if "content" not in described:
        assert not response.data
        return
    assert response.mimetype in described["content"]
    assert set(described.get("headers", {})) <= set(response.headers.keys())
    assert_fits(response.json, described["content"][response.mimetype]["schema"])


def assert_fits(value: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": openapi.document()["components"]}
    OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    found = schema
    while "$ref" in found:
        _, *names = found["$ref"].split("/")
        found = openapi.document()
        for name in names:
            found = found[name]
    return found


@pytest.fixture(autouse=True)
def _forgetful() -> None:
    """What the process remembers of tokens must not leak between tests."""
    tokens._used.clear()


@pytest.fixture
def token_of(app: Flask) -> Callable[..., str]:
    """A function that makes a token of an agent."""

    def make(agent: Agent, **fields: Any) -> str:
        with app.app_context(), transaction.writing():
            return tokens.create(db.session.get_one(Agent, agent.id), **fields)

    return make


@pytest.fixture
def program(app: Flask, token_of: Callable[..., str]) -> Callable[..., Program]:
    """A function that gives a caller acting as an agent; None is a stranger."""

    def make(agent: Agent | None = None) -> Program:
        return Program(app.test_client(), token_of(agent) if agent else None)

    return make


@pytest.fixture
def api(program: Callable[..., Program], alice: Agent) -> Program:
    """A program acting as Alice, who sees everything."""
    return program(alice)
