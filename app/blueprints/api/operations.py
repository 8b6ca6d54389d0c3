"""What the description's paths are made of: one call with its parameters, body, answers and refusals."""

from app.blueprints.api.inputs import MOST_ITEMS, USUAL_ITEMS
from app.blueprints.api.shapes import Schema, ref

# What every call with a token may answer beside its own.
ALWAYS = ("401", "429", "503")
WITH_BODY = ("400", "413", "415", "422")
WORDS = {
    "400": "The body is not a JSON object that can be read in one way only.",
    "401": "No token, or one that is not valid (any more).",
    "403": "This is for admins, or the token's agent may only look.",
    "404": "No such case, file or channel, or not for the token's agent.",
    "409": "The state of the case does not allow it.",
    "413": "The body is larger than 1 MB.",
    "415": "The body is not plain `application/json`.",
    "422": "A field, parameter or header is wrong: see `errors`.",
    "429": "Too many wrong tokens from this address.",
    "503": "The database is busy. Nothing was changed; send it again.",
}
HEADERS = {
    "401": ("WWW-Authenticate", {"type": "string"}),
    "429": ("Retry-After", {"type": "integer"}),
    "503": ("Retry-After", {"type": "integer"}),
}


def operation(
    summary: str,
    text: str,
    answers: dict[str, Schema],
    *,
    errors: tuple[str, ...],
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
) -> Schema:
    refused = sorted({*errors, *ALWAYS})
    problems = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in refused}
    found = {"summary": summary, "description": text, "responses": {**answers, **problems}}
    if parameters:
        found["parameters"] = parameters
    if body:
        schema = {"type": "object", **body}
        content = {"application/json": {"schema": schema}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def answer(name: str, text: str = "Done.", **headers: Schema) -> Schema:
    found = {"description": text, "content": {"application/json": {"schema": ref(name)}}}
    if headers:
        found["headers"] = {header: {"schema": schema} for header, schema in headers.items()}
    return found


def problem(status: str) -> Schema:
    content = {"application/problem+json": {"schema": ref("Problem")}}
    found: Schema = {"description": WORDS[status], "content": content}
    if status in HEADERS:
        name, schema = HEADERS[status]
        found["headers"] = {name: {"schema": schema}}
    return found


def parameter(name: str, place: str, schema: Schema) -> Schema:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def limit() -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": USUAL_ITEMS}
    return parameter("limit", "query", schema)


def after() -> Schema:
    return parameter("after", "query", {"type": "integer", "minimum": 0, "default": 0})
