"""What schemas are made of: JSON Schema's few forms that the API uses, each with its description."""

from typing import Any

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def closed(description: str, **members: Schema) -> Schema:
    """An object with exactly these members."""
    return {
        "type": "object",
        "description": description,
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def nullable(schema: Schema, description: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def whole(description: str) -> Schema:
    return {"type": "integer", "minimum": 1, "description": description}


def count(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def moment(description: str) -> Schema:
    return text(f"{description} RFC 3339, UTC, with milliseconds.", format="date-time")


def page_of(name: str, leads_on: str) -> Schema:
    return closed(
        "Part of a list.",
        items={"type": "array", "items": ref(name)},
        next=nullable({"type": "string"}, f"The value for `{leads_on}`; null at the end."),
    )
