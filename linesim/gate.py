"""The gate that every call to LINE passes: request id, ordered faults, the token, the log."""

import time
import uuid
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from linesim.calls import TO_LINE
from linesim.current import world

WRONG_TOKEN = "Authentication failed. Confirm that the access token in the authorization header is valid."
LOGGED_ANSWER_BYTES = 20_000


class Refused(Exception):
    """LINE refuses the call; carries the answer."""

    def __init__(self, status: int, message: str, *, details: list[dict[str, str]] | None = None,
                 headers: dict[str, str] | None = None, **rest: Any) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = {"message": message} | ({"details": details} if details else {}) | rest


def guard(blueprint: Blueprint, *, with_token: bool) -> None:
    """Puts the gate before every view of the blueprint."""

    @blueprint.before_request
    def enter() -> Response | None:
        g.started, g.request_id, g.note = time.monotonic(), str(uuid.uuid4()), ""
        g.fault = world().faults.take(call_name())
        if g.fault and g.fault.comes_before:
            return world().faults.spoil(g.fault)
        if with_token and not world().sim.has_token(bearer_token()):
            raise Refused(401, WRONG_TOKEN)
        return None

    @blueprint.after_request
    def leave(response: Response) -> Response:
        answer = response
        if g.fault and g.fault.comes_after and response.status_code < 400:
            answer = world().faults.spoil(g.fault, response)
        _log(answer)
        answer.headers["x-line-request-id"] = g.request_id
        return answer

    @blueprint.errorhandler(Refused)
    def refuse(refusal: Refused) -> Response:
        response = jsonify(refusal.body)
        response.status_code = refusal.status
        response.headers.update(refusal.headers)
        return response

    @blueprint.errorhandler(HTTPException)
    def explain(problem: HTTPException) -> Response:
        response = jsonify(message=problem.name)
        response.status_code = problem.code or 500
        return response


def call_name() -> str:
    return (request.endpoint or "unknown").rpartition(".")[2]


def bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def note(text: str) -> None:
    """A remark for the log: what happened behind the answer."""
    g.note = text


def _log(answer: Response) -> None:
    fault = f"fault {g.fault.what}. " if g.fault else ""
    world().calls.record(
        direction=TO_LINE,
        name=call_name(),
        method=request.method,
        path=request.full_path.rstrip("?"),
        status=None if answer.is_streamed and g.fault else answer.status_code,
        milliseconds=round((time.monotonic() - g.started) * 1000),
        request=_request_for_log() if answer.status_code != 413 else None,
        answer=_answer_for_log(answer),
        request_id=g.request_id,
        retry_key=request.headers.get("X-Line-Retry-Key", ""),
        note=fault + g.note,
    )


def _request_for_log() -> Any:
    """JSON as it came; of forms only the field names, because they hold secrets."""
    if request.is_json:
        return request.get_json(silent=True)
    return sorted(request.form) or None


def _answer_for_log(answer: Response) -> Any:
    is_small = not answer.is_streamed and (answer.content_length or 0) < LOGGED_ANSWER_BYTES
    if not (is_small and answer.is_json):
        return None
    body = answer.get_json(silent=True)
    return {key: value for key, value in body.items() if key != "access_token"} if isinstance(body, dict) else body
