"""LINE's token calls: verify a token, mint a stateless one from channel id and secret.

Errors have OAuth's shape ({error, error_description}), unlike the messaging calls.
"""

import hmac
from typing import Any

from flask import Blueprint, request

from linesim import clock, ids
from linesim.current import world
from linesim.gate import guard
from linesim.state import STATELESS_TOKEN_LIFE

# What LINE answers for a long-lived token, which never expires.
LONG_LIVED_SECONDS = 3138007490

oauth = Blueprint("oauth", __name__)
guard(oauth, with_token=False)


@oauth.post("/v2/oauth/verify")
def verify() -> tuple[dict[str, Any], int]:
    sim = world().sim
    if not sim.has_token(request.form.get("access_token", "")):
        return _refusal("invalid_request", "access token expired")
    return {"client_id": sim.account.channel_id, "expires_in": LONG_LIVED_SECONDS, "scope": "P CM"}, 200


@oauth.post("/oauth2/v3/token")
def token() -> tuple[dict[str, Any], int]:
    form, sim = request.form, world().sim
    if form.get("grant_type") != "client_credentials":
        return _refusal("unsupported_grant_type", "grant_type must be client_credentials")
    if form.get("client_id") != sim.account.channel_id:
        return _refusal("invalid_client", "client_id is invalid")
    if not _is_same(form.get("client_secret", ""), sim.account.channel_secret):
        return _refusal("invalid_client", "client_secret is invalid")
    issued = ids.opaque_token()
    with sim.lock:
        sim.stateless_tokens[issued] = clock.now()
    lifetime = int(STATELESS_TOKEN_LIFE.total_seconds()) - 1
    return {"token_type": "Bearer", "access_token": issued, "expires_in": lifetime}, 200


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _refusal(error: str, description: str) -> tuple[dict[str, Any], int]:
    return {"error": error, "error_description": description}, 400
