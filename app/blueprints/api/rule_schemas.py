"""The shapes of rules, of the words they are made of, and of what they did (R6)."""

from app.blueprints.api.shapes import Schema, closed, moment, nullable, page_of, text, whole
from app.domain.rules.definitions import JOINS, MATCHES, TYPES

WORD = text("One of the field's words.")
WORD_LIST: Schema = {"type": "array", "items": {"type": "string"}}
# A word, a number, a list of ids, an object or nothing; which, the vocabulary says.
VALUE: Schema = {
    "anyOf": [
        {"type": ["string", "integer", "null"]},
        {"type": "array", "items": {"type": ["string", "integer"]}},
        closed("Of `notify_agents`.", to=WORD_LIST, by=WORD_LIST, text=WORD),
    ],
    "description": "What the condition or action is told; see the vocabulary.",
}
KIND: dict[str, Schema] = {
    "kind": text("`choice`, `text`, `minutes`, `labels`, `agent`, `assignee`, ..."),
    "choices": WORD_LIST,
}
PART = closed("The kind of a part.", **KIND)
VALUE_KIND = closed("A kind of value.", **KIND)
VALUE_KIND["properties"] |= {
    "fields": closed("Only where the value is an object: the kinds of its parts.", to=PART, by=PART, text=PART)
}
NAMED_ROWS: Schema = {
    "type": "array",
    "items": closed("One row.", id={"type": "integer"}, name=WORD),
}
BLOCK = closed(
    "Conditions of which all, or any, must hold.",
    match={"enum": list(MATCHES), "description": "All or any."},
    conditions={
        "type": "array",
        "items": closed("One condition.", condition=WORD, operator=WORD, value=VALUE),
    },
)
STEP = closed("One action.", action=WORD, value=VALUE)
JUDGED = closed(
    "A condition with what it saw.",
    condition=WORD,
    operator=WORD,
    value=VALUE,
    seen=VALUE,
    holds={"type": "boolean", "description": "Whether it held."},
)

RULE_SCHEMAS: dict[str, Schema] = {
    "Rule": closed(
        "What happens by itself. `PUT` takes the whole of it.",
        id=whole("The rule's id."),
        type={"enum": list(TYPES), "description": "Which cases it looks at, and when."},
        name=text("What the team calls it."),
        active={"type": "boolean", "description": "Whether it is in force."},
        off_reason=nullable({"type": "string"}, "Why Mado switched it off; null when it did not."),
        join={"enum": list(JOINS), "description": "Whether all blocks must hold, or any."},
        blocks={"type": "array", "items": BLOCK},
        actions={"type": "array", "items": STEP},
    ),
    "Vocabulary": closed(
        "What rules may be made of.",
        known=closed(
            "Rows that values name by id.",
            **dict.fromkeys(("agents", "groups", "channels", "labels"), NAMED_ROWS),
        ),
        types=WORD_LIST,
        joins=WORD_LIST,
        matches=WORD_LIST,
        conditions={
            "type": "array",
            "items": closed("A condition.", condition=WORD, operators=WORD_LIST, value=VALUE_KIND),
        },
        actions={
            "type": "array",
            "items": closed(
                "An action.", action=WORD, value=nullable(VALUE_KIND, "Null when it takes none.")
            ),
        },
    ),
    "RulePass": closed(
        "One pass of the rules of a type over a case.",
        id=whole("Ids rise in the order of passes."),
        type={"enum": list(TYPES), "description": "Of the rules."},
        occurred_at=moment("When they ran."),
        rules={
            "type": "array",
            "items": closed(
                "One rule of the pass, in order.",
                rule=closed(
                    "The version that ran.", id=whole("Its id."), name=WORD, version=whole("Counted.")
                ),
                outcome={
                    "enum": ["fired", "failed", "not", "stopped"],
                    "description": "`stopped`: a rule before it stopped all others.",
                },
                notes=nullable({"type": "string"}, "What was left out, or why it failed; the program's own words are for admins."),
                decided_by=nullable(JUDGED, "The condition on which the outcome rests."),
                blocks={
                    "type": "array",
                    "items": {"type": "array", "items": JUDGED},
                    "description": "Every condition with what it saw; empty, and `decided_by` null, where that is not there any more.",
                },
            ),
        },
    ),
    "RulePage": page_of("Rule", "after"),
    "RulePassPage": page_of("RulePass", "after"),
}
