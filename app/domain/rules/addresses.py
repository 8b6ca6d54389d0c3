"""Addresses that rules and macros call: one that is never called is refused when it is saved (T10).

Only what can be told without asking anybody is told here; names are looked up when they are called.
A rule that is loaded again is not asked, so that a change of ALLOW_PRIVATE_HOSTS breaks none.
"""

from collections.abc import Iterable

from app import outgoing
from app.domain.rules import values as v
from app.domain.rules.actions import ACTIONS
from app.domain.rules.definitions import Invalid, Step
from app.outgoing import OutgoingError


def check(steps: Iterable[Step]) -> None:
    """Raise Invalid."""
    errors = {}
    for number, step in enumerate(steps):
        if ACTIONS[step.action].value is not v.URL:
            continue
        try:
            outgoing.check_unresolved(step.value)
        except OutgoingError as problem:
            errors[f"actions[{number}].value"] = str(problem)
    if errors:
        raise Invalid(errors)
