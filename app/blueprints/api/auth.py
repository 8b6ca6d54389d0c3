"""Whose token a request brings. No cookie is looked at, and a wrong token tells nothing.

Unknown, expired and revoked tokens and those of deactivated agents answer alike. Who asks is found
out before any writer's lock is taken: strangers take it to be counted, a hundred times, and no
more. And once more under the lock, so that a token that dies meanwhile changes nothing.
"""

import logging
from typing import NoReturn

from flask import abort, g, request

from app import logs, transaction
from app.blueprints import tries
from app.blueprints.access import SAFE_METHODS
from app.blueprints.api.refusals import refuse
from app.domain import limits, tokens
from app.domain.throttle import TooMany, network_of
from app.models import Agent

LARGEST_BODY = 1_000_000
# The description holds nobody's data; programs read it before they have a token.
PUBLIC_ENDPOINTS = frozenset({"api.description"})
CHALLENGE = 'Bearer realm="Mado"'

audit = logging.getLogger("mado.audit")


def let_in() -> None:
    """Before each request: the agent in `g.agent`, and for changes a writing transaction.

    The body is read between the two transactions: who sends slowly holds no lock.
    """
    transaction.release()
    if request.endpoint in PUBLIC_ENDPOINTS:
        return
    token = _bearer_token()
    if request.method in SAFE_METHODS:
        g.agent = _agent_behind(token)
        return
    if not tokens.is_living(token):
        _refuse_token()
    transaction.release()
    _read_body()
    transaction.start_writing()
    g.agent = _agent_behind(token)


def _read_body() -> None:
    """Werkzeug cuts a body without a length off at the limit, so one byte more is asked for."""
    request.max_content_length = LARGEST_BODY + 1
    if len(request.get_data()) > LARGEST_BODY:
        abort(413)


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        detail = "Send a token: `Authorization: Bearer <token>`."
        refuse(401, detail, headers={"WWW-Authenticate": CHALLENGE})
    return token.strip()


def _agent_behind(token: str) -> Agent:
    found = tokens.find(token)
    if found is None:
        _refuse_token()
    tokens.touch(found)
    request.environ[logs.AGENT_ID] = found.agent.id
    return found.agent


def _refuse_token() -> NoReturn:
    try:
        tries.count((limits.WRONG_TOKENS_FROM, network_of(request.remote_addr or "")))
    except TooMany as error:
        headers = {"Retry-After": str(error.retry_after)}
        refuse(429, "Too many wrong tokens came from this address. Wait, then try again.", headers=headers)
    audit.warning("API token refused, address=%s", request.remote_addr)
    headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
    refuse(401, "This token is not valid, or not any more. Ask an admin for a new one.", headers=headers)
