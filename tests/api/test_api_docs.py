"""docs/api.md says what is true: its examples fit the description, and it leaves no call out."""

import json
import re
from pathlib import Path

import pytest

from app.blueprints.api import openapi
from app.blueprints.api.schemas import SCHEMAS
from tests import world
from tests.api.conftest import assert_fits

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLES = re.findall(r"^```json (.+)\n([\s\S]+?)^```$", PAGE, re.MULTILINE)
BODIES = {name: example for name, example in EXAMPLES if name not in SCHEMAS}
PATHS = openapi.document()["paths"]


def schema_of(name: str) -> dict:
    """A named schema, or that of a call's body."""
    if name in SCHEMAS:
        return SCHEMAS[name]
    method, path = name.split()
    body = PATHS[path][method.lower()]["requestBody"]
    return body["content"]["application/json"]["schema"]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_fits_the_description(name, example):
    assert_fits(json.loads(example), schema_of(name))


def test_each_object_and_each_body_has_an_example():
    shown = {name for name, _ in EXAMPLES}
    bodies = {
        f"{method.upper()} {path}"
        for path, item in PATHS.items()
        for method, operation in item.items()
        if "requestBody" in operation
    }
    inner = {"Agent", "Contact", "Channel", "Conversation", "Label"}
    assert shown == bodies | set(SCHEMAS) - inner


@pytest.mark.parametrize(("name", "example"), BODIES.items())
def test_examples_of_bodies_show_every_field(name, example):
    assert set(json.loads(example)) == set(schema_of(name)["properties"])


@pytest.mark.parametrize("path", sorted(PATHS))
def test_each_call_is_told(path):
    assert re.search(rf"/api/v1{re.escape(path)}`", PAGE)


def test_each_call_with_a_token_has_a_curl_line():
    calls = set(re.findall(r'"\$MADO(/[a-z0-9/]*)', PAGE))
    assert calls == {
        "/cases", "/cases/12", "/cases/12/messages", "/cases/12/selection", "/cases/12/ending",
        "/cases/12/events", "/attachments/31",
        "/cases/12/rules", "/rules", "/rules/3", "/rules/vocabulary",
        "/cases/12/macros", "/macros", "/macros/5",
        "/channels/1/health",
    }  # fmt: skip


def test_each_error_is_told():
    told = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    assert told == set(openapi.WORDS) | {"405"}


def test_each_parameter_is_told():
    parameters = {
        parameter["name"]
        for item in PATHS.values()
        for operation in item.values()
        if isinstance(operation, dict)
        for parameter in operation.get("parameters", [])
    }
    assert parameters
    assert all(f"`{name}`" in PAGE for name in parameters)


def test_the_bodies_shown_do_what_the_page_says(app, api):
    bodies = {name: json.loads(example) for name, example in BODIES.items()}
    with app.app_context():
        number = world.chat_of(world.connected(), "help").number
    opened = api.post("/cases", bodies["POST /cases"])
    replied = api.post(f"/cases/{number}/messages", bodies["POST /cases/{number}/messages"])
    ended = api.post(f"/cases/{number}/ending", bodies["POST /cases/{number}/ending"])
    assert [one.status_code for one in (opened, replied, ended)] == [201, 201, 200]
