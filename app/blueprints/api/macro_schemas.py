"""The shapes of macros, and of what using one on a case came to (R8)."""

from app.blueprints.api.rule_schemas import STEP
from app.blueprints.api.shapes import Schema, closed, nullable, page_of, ref, text, whole

MACRO_SCHEMAS: dict[str, Schema] = {
    "Macro": closed(
        "A saved reply with actions. `PUT` takes the whole of it.",
        id=whole("The macro's id."),
        name=text("What it is found by."),
        text=text("What is sent, with placeholders. It may be empty where there are actions."),
        shared={
            "type": "boolean",
            "description": "Whether everybody has it, or the token's agent alone.",
        },
        actions={"type": "array", "items": STEP},
        problem=nullable(
            {"type": "string"}, "What is wrong when an action refers to something that is gone."
        ),
    ),
    "UsedMacro": closed(
        "What using a macro came to.",
        message=nullable(ref("Message"), "The reply; null when the macro has no text."),
        not_done={
            "type": "array",
            "items": {"type": "string"},
            "description": "Why some of its actions were left out, in words.",
        },
    ),
    "MacroPage": page_of("Macro", "after"),
}
