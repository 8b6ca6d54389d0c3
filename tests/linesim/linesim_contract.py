"""Checks bodies against LINE's own OpenAPI documents, kept beside this file."""

import functools
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator

FOLDER = Path(__file__).parent / "openapi"


@functools.cache
def document(name: str) -> dict[str, Any]:
    return yaml.load((FOLDER / f"{name}.yml").read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def check_answer(response: Any, method: str, path: str, *, api: str = "messaging-api") -> None:
    """The answer of this call has the schema that LINE documents for its status."""
    described = document(api)["paths"][path][method]["responses"][str(response.status_code)]
    content = described.get("content", {}).get("application/json")
    assert content is not None, f"LINE documents no body for {response.status_code} of {path}"
    schema = content["schema"]
    check(response.get_json(), schema, api=api)
    assert set(response.get_json()) <= _properties(schema, api)


def check_event(event: dict[str, Any]) -> None:
    """The event, its source and its message have LINE's schemas, chosen by their `type`."""
    _check_by_type(event, "Event")
    _check_by_type(event["source"], "Source")
    if "message" in event:
        _check_by_type(event["message"], "MessageContent")


def check(value: Any, schema: dict[str, Any], *, api: str) -> None:
    components = document(api)["components"]
    OAS30Validator({**schema, "components": components}).validate(value)


def _check_by_type(value: dict[str, Any], family: str) -> None:
    mapping = document("webhook")["components"]["schemas"][family]["discriminator"]["mapping"]
    schema = {"$ref": mapping[value["type"]]}
    check(value, schema, api="webhook")
    assert set(value) <= _properties(schema, "webhook")


def _properties(schema: dict[str, Any], api: str) -> set[str]:
    if "$ref" in schema:
        return _properties(document(api)["components"]["schemas"][schema["$ref"].rpartition("/")[2]], api)
    inherited = (_properties(part, api) for part in schema.get("allOf", []))
    return set(schema.get("properties", {})).union(*inherited)
