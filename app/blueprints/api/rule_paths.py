"""The rules' part of the description: reading and writing them, and why one acted (R6)."""

from app.blueprints.api.operations import WITH_BODY, after, answer, limit, operation
from app.blueprints.api.rule_schemas import RULE_SCHEMAS
from app.blueprints.api.shapes import Schema


def rule_paths(number: Schema) -> Schema:
    """By address; `number` is the parameter that stands in it."""
    return {
        "/cases/{number}/rules": {"get": _explain_rules(), **number},
        "/rules": {"get": _list_rules(), "post": _add_rule()},
        "/rules/vocabulary": {"get": _list_words()},
        "/rules/{number}": {
            "get": _show_rule(),
            "put": _change_rule(),
            "delete": _delete_rule(),
            **number,
        },
    }


def _explain_rules() -> Schema:
    return operation(
        "Explain rules",
        "Which rules ran on the case, which acted, and which condition decided; oldest first.",
        {"200": answer("RulePassPage")},
        errors=("404", "422"),
        parameters=[after(), limit()],
    )


def _list_rules() -> Schema:
    text = "By type, in the order in which they run. For admins."
    return operation("List rules", text, {"200": answer("RulePage")}, errors=("403",))


def _add_rule() -> Schema:
    answers = {"201": answer("Rule", Location={"type": "string"})}
    text = "Last of its type. For admins."
    return operation("Add a rule", text, answers, errors=("403", *WITH_BODY), body=_rule())


def _list_words() -> Schema:
    text = "Every condition with its operators and values, and every action. For admins."
    return operation("List words", text, {"200": answer("Vocabulary")}, errors=("403",))


def _show_rule() -> Schema:
    return operation("Read a rule", "For admins.", {"200": answer("Rule")}, errors=("403", "404"))


def _change_rule() -> Schema:
    answers = {"200": answer("Rule")}
    errors = ("403", "404", *WITH_BODY)
    return operation("Change a rule", "The whole of it. For admins.", answers, errors=errors, body=_rule())


def _delete_rule() -> Schema:
    answers = {"204": {"description": "It is out of force; an admin can put it back."}}
    return operation("Delete a rule", "For admins.", answers, errors=("403", "404"))


def _rule() -> Schema:
    members = RULE_SCHEMAS["Rule"]["properties"]
    written = ("type", "name", "active", "join", "blocks", "actions")
    return {
        "required": ["type", "name", "actions"],
        "properties": {name: members[name] for name in written},
    }
