"""LINE as an adapter: texts and files out by reply or push, profiles and group names in.

What LINE's answers come to is decided in `outcomes`.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from app.channels.base import (
    Adapter,
    Check,
    Content,
    Download,
    Outgoing,
    PermanentError,
    Profile,
    Quota,
    Sent,
    Shown,
    TemporaryError,
    WantedFile,
)
from app.channels.line import (
    advice,
    client,
    downloads,
    objects,
    rendering,
    setup,
    signals,
)
from app.channels.line.asking import ask, could_not
from app.channels.line.checks import Checks
from app.channels.line.credentials import Credentials
from app.channels.line.options import Options
from app.channels.line.outcomes import judged
from app.channels.line.parse import plain
from app.channels.line.text import LIMIT_UNITS, MOST_PARTS
from app.models import Channel

FREE_REPLY_SECONDS = 50.0
QUOTAS = ("none", "limited")


class LineAdapter(Adapter):
    """What the core asks of LINE."""

    kind = "line"
    label = "LINE"
    is_chat = True
    can_send = True
    text_limit = LIMIT_UNITS * MOST_PARTS
    free_reply_seconds = FREE_REPLY_SECONDS
    has_quota = True

    def compose(self, content: Content) -> str:
        return json.dumps(objects.all_of(content), ensure_ascii=False)

    def problem_with(self, content: Content) -> str:
        return objects.problem_with(content)

    def send(self, outgoing: Outgoing) -> Sent:
        """One reply or push. Raise TemporaryError, PermanentError or UnknownOutcome."""
        is_reply = bool(outgoing.reply_token)
        name = "reply" if is_reply else "push"
        return judged(_call(outgoing), name, is_reply=is_reply)

    def person(self, channel: Channel, external_id: str) -> Profile | None:
        """Friends, and who wrote 1:1; None for others (LINE.md 2.5)."""
        found = ask(_token(channel), "profile", external_id, name="profile")
        if found is None:
            return None
        language, picture = found.text_or_none("language"), found.text_or_none("pictureUrl")
        return Profile(plain(found.text("displayName")), language, picture)

    def group(self, channel: Channel, kind: str, external_id: str) -> Profile | None:
        """A group's name and how many are in it, without the account; rooms have no name."""
        token = _token(channel)
        if kind == "room":
            count = _size(token, kind, external_id)
            return None if count is None else Profile(None, member_count=count)
        found = ask(token, kind, external_id, "summary", name="group summary")
        if found is None:
            return None
        try:
            count = _size(token, kind, external_id)
        except TemporaryError:  # the name is worth more, and tomorrow there is another look
            count = None
        picture = found.text_or_none("pictureUrl")
        return Profile(plain(found.text("groupName")), None, picture, count)

    def member(
        self, channel: Channel, kind: str, group_id: str, external_id: str
    ) -> Profile | None:
        """Anybody in a group, friend or not, where an admin wants that asked (S33, LINE.md 2.5)."""
        if not Options.of(channel).ask_member_names:
            return None
        path = (kind, group_id, "member", external_id)
        found = ask(_token(channel), *path, name="member profile")
        if found is None:
            return None
        return Profile(plain(found.text("displayName")), None, found.text_or_none("pictureUrl"))

    def quota(self, channel: Channel) -> Quota | None:
        """LINE's numbers include what the account sends elsewhere; the use is approximate."""
        path = ("message", "quota")
        limit = ask(_token(channel), *path, name="message quota")
        used = ask(_token(channel), *path, "consumption", name="quota consumption")
        if limit is None or used is None:
            return None
        kind = limit.text("type")
        if kind not in QUOTAS:
            raise could_not("message quota")
        return Quota(limit.number("value") if kind == "limited" else None, used.number("totalUsage"))

    def checks(self, channel: Channel) -> list[Check]:
        return advice.of(Checks.of(channel), setup.webhook_url(channel), channel.problem)

    def friend_link(self, channel: Channel) -> str:
        return Options.of(channel).friend_link

    def shows_typing(self, channel: Channel, conversation_kind: str) -> bool:
        return signals.shows_typing(channel, conversation_kind)

    def show_typing(self, channel: Channel, external_id: str) -> None:
        signals.show_typing(channel, external_id)

    def marks_read(self, channel: Channel) -> bool:
        return signals.marks_read(channel)

    def read_token(self, payload: dict[str, Any]) -> str | None:
        return signals.read_token(payload)

    def mark_read(self, channel: Channel, token: str) -> None:
        signals.mark_read(channel, token)

    def unnamed(self, kind: str, external_id: str | None) -> str:
        if kind == "room":
            return "LINE multi-person chat"
        if kind == "group":
            return f"LINE group {external_id}"
        return external_id or "LINE member"

    def download(self, file: WantedFile) -> AbstractContextManager[Download]:
        return downloads.download(file)

    def show(self, kind: str, text: str, payload: dict[str, Any]) -> Shown:
        return rendering.show(kind, text, payload)


def _call(outgoing: Outgoing) -> Callable[[], Any]:
    """The call, ready to be made. Raise PermanentError for a body that LINE could not take."""
    from linebot.v3.messaging import PushMessageRequest, ReplyMessageRequest
    from pydantic.v1 import ValidationError

    messages = json.loads(outgoing.body)
    api = client.messaging(Credentials.of(outgoing.channel).token)
    try:
        if outgoing.reply_token:
            reply = ReplyMessageRequest.from_dict(
                {"replyToken": outgoing.reply_token, "messages": messages}
            )
            return lambda: api.reply_message(reply, _request_timeout=client.TIMEOUT)
        push = PushMessageRequest.from_dict({"to": outgoing.to, "messages": messages})
    except ValidationError as problem:
        raise PermanentError("This can't be sent as a LINE message. Shorten it.") from problem
    key = outgoing.retry_key
    return lambda: api.push_message(push, x_line_retry_key=key, _request_timeout=client.TIMEOUT)


def _token(channel: Channel) -> str:
    return Credentials.of(channel).token


def _size(token: str, kind: str, external_id: str) -> int | None:
    found = ask(token, kind, external_id, "members", "count", name=f"{kind} members")
    return found.number("count") if found else None
