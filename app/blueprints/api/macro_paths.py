"""The macros' part of the description: reading and writing them, and using one on a case (R8)."""

from app.blueprints.api.inputs import LONGEST_KEY
from app.blueprints.api.macro_schemas import MACRO_SCHEMAS
from app.blueprints.api.operations import WITH_BODY, answer, operation, parameter
from app.blueprints.api.refusals import KEY_HEADER
from app.blueprints.api.shapes import Schema


def macro_paths(number: Schema) -> Schema:
    """By address; `number` is the parameter that stands in it."""
    return {
        "/cases/{number}/macros": {"post": _use_macro(), **number},
        "/macros": {"get": _list_macros(), "post": _add_macro()},
        "/macros/{number}": {
            "get": _show_macro(),
            "put": _change_macro(),
            "delete": _delete_macro(),
            **number,
        },
    }


def _use_macro() -> Schema:
    key = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
    return operation(
        "Use a macro",
        "Sends its text to the contact, if it has one, and does its actions in the agent's name. With"
        " an Idempotency-Key it happens once, however often the request comes.",
        {"200": answer("UsedMacro")},
        errors=("403", "404", "409", *WITH_BODY),
        parameters=[parameter(KEY_HEADER, "header", key)],
        body={"required": ["macro"], "properties": {"macro": {"type": "integer", "minimum": 1}}},
    )


def _list_macros() -> Schema:
    text = "The agent's own, then the shared ones, by name."
    return operation("List macros", text, {"200": answer("MacroPage")}, errors=())


def _add_macro() -> Schema:
    answers = {"201": answer("Macro", Location={"type": "string"})}
    text = "For the agent alone, or shared by an admin."
    return operation("Add a macro", text, answers, errors=("403", "409", *WITH_BODY), body=_macro())


def _show_macro() -> Schema:
    return operation(
        "Read a macro", "One's own or a shared one.", {"200": answer("Macro")}, errors=("404",)
    )


def _change_macro() -> Schema:
    answers = {"200": answer("Macro")}
    text = "The whole of it. Shared ones are changed by admins."
    errors = ("403", "404", *WITH_BODY)
    return operation("Change a macro", text, answers, errors=errors, body=_macro())


def _delete_macro() -> Schema:
    answers = {"204": {"description": "It is in no list any more."}}
    text = "Shared ones are deleted by admins."
    return operation("Delete a macro", text, answers, errors=("403", "404"))


def _macro() -> Schema:
    members = MACRO_SCHEMAS["Macro"]["properties"]
    written = ("name", "text", "shared", "actions")
    return {"required": ["name"], "properties": {name: members[name] for name in written}}
