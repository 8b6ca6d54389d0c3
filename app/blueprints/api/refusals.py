"""How the API says no: problem documents that tell a program what was wrong and what to do.

What an agent may not see is refused in the very words of what does not exist (T11).
"""

from typing import NoReturn

from flask import Blueprint, Response, abort, g
from sqlalchemy.exc import IntegrityError

from app import transaction
from app.domain import access
from app.domain.agents import Refused
from app.domain.chats import NotActive, OtherChatActive
from app.domain.messages import KeyReused
from app.domain.rules.definitions import Invalid
from app.problems import problem

KEY_HEADER = "Idempotency-Key"


def refuse(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: object) -> NoReturn:
    """End the request with a problem document; `more` are members of its own."""
    response = problem(status, detail=detail, **more)
    response.headers.update(headers or {})
    abort(response)


def no_such_case() -> NoReturn:
    refuse(404, "There is no case with this number, or this token's agent may not see it.")


def register(blueprint: Blueprint) -> None:
    blueprint.register_error_handler(Refused, _conflict)
    blueprint.register_error_handler(Invalid, _invalid)
    blueprint.register_error_handler(NotActive, _not_active)
    blueprint.register_error_handler(KeyReused, _key_reused)
    blueprint.register_error_handler(OtherChatActive, _goes_on_elsewhere)
    blueprint.register_error_handler(IntegrityError, _overtaken)


def _conflict(error: Refused) -> Response:
    return problem(409, detail=str(error))


def _invalid(error: Invalid) -> Response:
    return problem(422, detail="Nothing was done: see `errors`.", errors=error.errors)


def _not_active(_error: NotActive) -> Response:
    return problem(409, detail="This is not an active chat: it has ended, or the case is mail-like.")


def _key_reused(error: KeyReused) -> Response:
    return problem(422, detail=str(error), errors={KEY_HEADER: str(error)})


def _goes_on_elsewhere(error: OtherChatActive) -> Response:
    """S26a: the other case's number, for those who may see it."""
    if access.may_see(g.agent, error.case):
        return problem(409, detail=str(error), case=error.case.number)
    return problem(409, detail="This conversation goes on in another chat.")


def _overtaken(_error: IntegrityError) -> Response:
    """A constraint decided between two requests of the same moment; nothing was changed."""
    transaction.release()
    detail = "Another request changed the same thing at the same moment. Send this one again."
    return problem(409, detail=detail)
