"""Rules in words: what each condition and action is called, and a whole rule as one sentence.

Every condition of `app.domain.rules.conditions` has its words in `conditions`, every action in
`actions`, every kind of value in `values`; `tests/web/test_rule_words.py` fails for one without.
To add an action: a line in `actions.ACTIONS`; if its value is of a new kind, a line in
`values.SAY`. Nothing here reads rules from the database or decides about them.

    names = names_of([definition])          # a fixed number of queries, once a page
    sentence(definition, names)             # "When a new case arrives: set status Open."
    clause(one, names), step(one, names)    # its parts
    seen("status", "open", names)           # what a condition saw: "Open"
"""

from app.blueprints.rule_words.actions import ACTIONS as ACTIONS
from app.blueprints.rule_words.actions import action_choices as action_choices
from app.blueprints.rule_words.actions import step as step
from app.blueprints.rule_words.conditions import CONDITIONS as CONDITIONS
from app.blueprints.rule_words.phrases import Grouped as Grouped
from app.blueprints.rule_words.phrases import clause as clause
from app.blueprints.rule_words.phrases import condition_choices as condition_choices
from app.blueprints.rule_words.phrases import operator_choices as operator_choices
from app.blueprints.rule_words.phrases import seen as seen
from app.blueprints.rule_words.sentences import TYPES as TYPES
from app.blueprints.rule_words.sentences import sentence as sentence
from app.blueprints.rule_words.sentences import steps as steps
from app.blueprints.rule_words.values import Names as Names
from app.blueprints.rule_words.values import names_of as names_of
