"""What LINE can be told of agents: that one writes, that one has read (L10, S9).

Both are courtesies: a failure is an exception for whoever asked in the background, never an
agent's concern. Limits of LINE.md 2.1 and 2.7: the animation shows in 1:1 chats that are open, ends
by itself or with a message, and a read mark is for accounts whose chat is on.
"""

from collections.abc import Callable
from typing import Any

from app.channels.base import Channel, PermanentError, TemporaryError
from app.channels.line import client
from app.channels.line.checks import Checks
from app.channels.line.credentials import Credentials
from app.channels.line.options import Options

# The page tells of typing every 8 seconds; a little more than that, and it never flickers.
LOADING_SECONDS = 10
SIGNAL_TIMEOUT = (client.CONNECT_SECONDS, 5.0)


def shows_typing(channel: Channel, conversation_kind: str) -> bool:
    """LINE refuses groups and rooms."""
    return conversation_kind == "user" and Options.of(channel).show_typing


def show_typing(channel: Channel, user_id: str) -> None:
    from linebot.v3.messaging import ShowLoadingAnimationRequest

    api = client.messaging(Credentials.of(channel).token)
    request = ShowLoadingAnimationRequest(chatId=user_id, loadingSeconds=LOADING_SECONDS)
    _tell(lambda: api.show_loading_animation(request, _request_timeout=SIGNAL_TIMEOUT))


def marks_read(channel: Channel) -> bool:
    """Only where LINE leaves it to us; it would answer, and change nothing."""
    return Options.of(channel).mark_as_read and Checks.of(channel).reads_by_hand


def read_token(payload: dict[str, Any]) -> str | None:
    token = payload.get("markAsReadToken")
    return token if isinstance(token, str) and token else None


def mark_read(channel: Channel, token: str) -> None:
    from linebot.v3.messaging import MarkMessagesAsReadByTokenRequest

    api = client.messaging(Credentials.of(channel).token)
    request = MarkMessagesAsReadByTokenRequest(markAsReadToken=token)
    _tell(lambda: api.mark_messages_as_read_by_token(request, _request_timeout=SIGNAL_TIMEOUT))


def _tell(call: Callable[[], Any]) -> None:
    from linebot.v3.messaging import ApiException
    from pydantic.v1 import ValidationError
    from urllib3.exceptions import HTTPError

    try:
        call()
    except ApiException as problem:
        may_pass = problem.status == 429 or problem.status >= 500
        kind = TemporaryError if may_pass else PermanentError
        raise kind(f"LINE answered {problem.status}.") from problem
    except HTTPError as problem:
        raise TemporaryError("LINE could not be asked.") from problem
    except (ValidationError, UnicodeDecodeError, ValueError):
        return  # a 200 whose body can't be read: LINE has taken it
