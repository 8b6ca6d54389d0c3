"""Connecting a LINE account: what LINE says of a token and a secret, and the webhook's address.

Only an admin's own click comes here, outside any transaction; every call has a timeout. Which
answer means what follows LINE.md 2.1, 2.4 and 2.9 (source there: LINE's reference, "Channel access
token" and "Get bot info").
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.channels.line import client
from app.channels.line.credentials import Credentials
from app.domain.channels import Account, NotConnected
from app.language import gettext as _
from app.models import Channel

SHORT_LIVED_DAYS = 365
DAY_SECONDS = 86_400

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What LINE said: whose token it is, LINE's number of the channel, how long the token lives.

    `read_mode` is LINE's markAsReadMode: auto, or manual where whoever answers marks as read.
    """

    account: Account
    channel_id: str
    expires_in_days: int
    read_mode: str

    @property
    def is_short_lived(self) -> bool:
        return self.expires_in_days < SHORT_LIVED_DAYS


def webhook_url(channel: Channel) -> str:
    """The absolute address that is pasted into LINE's console."""
    return f"{current_app.extensions['mado'].public_url}/line/webhook/{channel.key}"


def ask_line(credentials: Credentials) -> Found:
    """Whose token this is, and whether the secret belongs to it.

    Raise NotConnected with what to do; `is_temporary` when LINE could not be asked.
    """
    account, read_mode = _bot(credentials.token)
    channel_id, expires_in_days = _verified(credentials.token)
    _check_secret(channel_id, credentials.secret)
    return Found(account, channel_id, expires_in_days, read_mode)


def _bot(token: str) -> tuple[Account, str]:
    from linebot.v3.messaging import ApiException
    from pydantic.v1 import ValidationError
    from urllib3.exceptions import HTTPError

    try:
        bot = client.messaging(token).get_bot_info(_request_timeout=client.TIMEOUT)
    except ApiException as problem:
        client.forget(token)
        note("/v2/bot/info", problem.status, problem.headers)
        if problem.status in (400, 401, 403):
            raise wrong_token() from None
        raise no_answer(problem.status) from None
    except HTTPError:
        client.forget(token)
        raise unreachable() from None
    except (ValidationError, UnicodeDecodeError, ValueError):
        raise odd_answer() from None
    return Account(bot.user_id, bot.display_name, bot.picture_url), bot.mark_as_read_mode


def _verified(token: str) -> tuple[str, int]:
    """LINE's id of the token's channel, and the days the token has left."""
    status, answer = _post("/v2/oauth/verify", {"access_token": token})
    if 400 <= status < 500 and status != 429:
        raise wrong_token()
    if status != 200:
        raise no_answer(status)
    try:
        return str(answer["client_id"]), int(answer["expires_in"]) // DAY_SECONDS
    except (KeyError, TypeError, ValueError):
        raise odd_answer() from None


def _check_secret(channel_id: str, secret: str) -> None:
    """Only id and secret that belong together get a stateless token; it is thrown away."""
    fields = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": secret}
    status, _answer = _post("/oauth2/v3/token", fields)
    if 400 <= status < 500 and status != 429:
        raise _wrong_secret()
    if status != 200:
        raise no_answer(status)


def _post(path: str, fields: dict[str, str]) -> tuple[int, Any]:
    """One form to LINE's OAuth: the status, and the JSON or None.

    The SDK's OAuth package is a second generated client whose models refuse answers that they
    don't know (LINE.md 5.3); two forms posted by hand are less than that.
    """
    from urllib3.exceptions import HTTPError

    try:
        answer = client.call("POST", path, fields=fields, encode_multipart=False)
    except HTTPError:
        raise unreachable() from None
    if answer.status != 200:
        note(path, answer.status, answer.headers)
    try:
        return answer.status, json.loads(answer.data)
    except ValueError:
        return answer.status, None


def note(path: str, status: int, headers: Any) -> None:
    """LINE's support asks for the request id, and has no log of its own (LINE.md 2.1)."""
    request_id = (headers or {}).get("x-line-request-id", "none")
    log.warning("LINE answered %s to %s, request id %s", status, path, request_id)


def wrong_token() -> NotConnected:
    """What to do when LINE refuses a token."""
    return NotConnected(
        _(
            "LINE refused the token. Issue a new one in the console, on the tab Messaging API under"
            " “Channel access token (long-lived)”, and paste it here."
        ),
        field="token",
    )


def _wrong_secret() -> NotConnected:
    return NotConnected(
        _(
            "The token works, but this secret does not belong to it. Copy “Channel secret” of the"
            " same channel: in the console it stands on the tab Basic settings."
        ),
        field="secret",
    )


def unreachable() -> NotConnected:
    """What to do when nobody answered."""
    host = current_app.extensions["mado"].line_api_url
    return NotConnected(
        _(
            "LINE could not be reached at %(host)s, so nothing could be checked. Try again in"
            " a minute.",
            host=host,
        ),
        is_temporary=True,
    )


def no_answer(status: int) -> NotConnected:
    """What to do when LINE itself fails."""
    return NotConnected(
        _(
            "LINE has a problem of its own (error %(status)s), so nothing could be checked. Try again"
            " in a minute.",
            status=status,
        ),
        is_temporary=True,
    )


def odd_answer() -> NotConnected:
    """What to do when LINE's answer can't be read."""
    return NotConnected(
        _(
            "LINE gave an answer that Mado can't read, so nothing could be checked. Try again in"
            " a minute."
        ),
        is_temporary=True,
    )
