"""The description is whole, closed and true to the routes."""

import re

from flask import Flask
from openapi_schema_validator import OAS31Validator

from app.blueprints.api import openapi
from app.blueprints.api.schemas import SCHEMAS
from tests.api.conftest import BASE, Program, resolved

DOCUMENT = openapi.document()
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]


def all_in(value):
    """Every object inside a JSON value."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from all_in(inner)


def test_every_route_is_described_and_nothing_else(app: Flask):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(BASE)), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in OPERATIONS} == routes


def test_the_document_is_served_without_a_token(client):
    response = client.get(f"{BASE}/openapi.json")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.json == DOCUMENT
    assert response.json["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere():
    references = [found for found in all_in(DOCUMENT) if "$ref" in found]
    assert len(references) > 40
    assert all(resolved(reference) for reference in references)


def test_every_schema_is_a_schema():
    for name, schema in SCHEMAS.items():
        OAS31Validator.check_schema(schema)
        assert schema["description"], name


def test_every_answer_names_all_its_members():  # T27
    objects = [found for found in all_in(SCHEMAS) if found.get("type") == "object"]
    assert len(objects) > 10
    assert all("additionalProperties" in found for found in objects)


def test_every_operation_says_what_a_missing_token_and_a_busy_database_answer():
    of_tokens = [operation for _, _, operation in OPERATIONS if "security" not in operation]
    assert len(of_tokens) == len(OPERATIONS) - 1
    assert all({"401", "429", "503"} <= set(found["responses"]) for found in of_tokens)


def test_every_operation_has_words():
    assert all(operation["summary"] for _, _, operation in OPERATIONS)


def test_an_unknown_address_is_a_problem(program):
    stranger: Program = program()
    response = stranger.get("/nothing")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_a_wrong_method_is_a_problem_that_says_which_are_right(api: Program):
    response = api.call("DELETE", "/cases")
    assert response.status_code == 405
    assert response.content_type == "application/problem+json"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
