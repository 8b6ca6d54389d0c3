"""The mail-like kind "manual": cases that agents write down or programs post; nothing is sent."""

from app.channels.base import (
    Adapter,
    Channel,
    Content,
    Kind,
    Outgoing,
    PermanentError,
    Profile,
    Sent,
)


class ManualAdapter(Adapter):
    """Keeps what was said; there is nobody to send it to."""

    kind = "manual"
    label = "Written by hand"
    is_chat = False
    can_send = False
    text_limit = 25_000
    free_reply_seconds = 0.0

    def compose(self, content: Content) -> str:
        return content.text

    def send(self, outgoing: Outgoing) -> Sent:
        raise PermanentError("A case written by hand has no channel to send through.")

    def person(self, channel: Channel, external_id: str) -> Profile | None:
        return None

    def group(self, channel: Channel, kind: str, external_id: str) -> Profile | None:
        return None

    def unnamed(self, kind: str, external_id: str | None) -> str:
        return "Somebody"


def register() -> Kind:
    return Kind(adapter=ManualAdapter())
