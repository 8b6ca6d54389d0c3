"""What LINE is asked for without the SDK: names, pictures, sizes of groups, the month's quota.

Loading the SDK takes a second and 50 MB, and who only reads does without it until the first answer
goes out. These are GETs of which a few fields matter; paths and fields are those of LINE's reference
(developers.line.biz, Messaging API: Users, Group chats, Multi-person chats, Get quota).
"""

import json
from typing import Any
from urllib.parse import quote

from app.channels.base import FailedCall, TemporaryError
from app.channels.line import client
from app.channels.line.outcomes import failed_call, token_refused
from app.language import gettext as _

NOT_THERE = frozenset({400, 403, 404})


class Asked:
    """One answer's fields. What is missing or of another type raises TemporaryError."""

    def __init__(self, name: str, body: bytes) -> None:
        self._name = name
        try:
            self._fields = json.loads(body)
        except ValueError as problem:
            raise could_not(name) from problem
        if not isinstance(self._fields, dict):
            raise could_not(name)

    def text(self, field: str) -> str:
        return self._of(str, field)

    def number(self, field: str) -> int:
        return self._of(int, field)

    def text_or_none(self, field: str) -> str | None:
        return self.text(field) if self._fields.get(field) is not None else None

    def _of(self, kind: type, field: str) -> Any:
        found = self._fields.get(field)
        if not isinstance(found, kind):
            raise could_not(self._name)
        return found


def ask(token: str, *path: str, name: str) -> Asked | None:
    """GET /v2/bot/PATH. None for 400, 403 and 404; TemporaryError for whatever may pass."""
    from urllib3.exceptions import HTTPError

    parts = "/".join(quote(part, safe="") for part in path)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        response = client.call("GET", f"/v2/bot/{parts}", headers=headers)
    except HTTPError as problem:
        raise could_not(name) from problem
    if response.status in NOT_THERE:
        return None
    if response.status == 401:
        raise token_refused(failed_call(response, name))
    if response.status != 200:
        raise TemporaryError(
            _("LINE answered %(status)s.", status=response.status),
            failed=failed_call(response, name),
        )
    return Asked(name, response.data)


def could_not(name: str) -> TemporaryError:
    """Nobody answered, or in a way that can't be read."""
    return TemporaryError(_("LINE could not be asked."), failed=FailedCall(name))
