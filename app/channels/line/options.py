"""What an admin may choose for a LINE channel beside its credentials; all off on a fresh one.

Kept as JSON in `Channel.options`. What can't be read there counts as not chosen.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.models import Channel


@dataclass(frozen=True)
class Options:
    """A LINE channel's own settings.

    `ask_member_names` also asks for names of group members who are no friends (S33),
    `sticker_pictures` shows LINE's pictures of stickers (L1), `mark_as_read` lets LINE show "Read"
    only when an agent has looked (S9), `show_typing` shows its loading animation (L10), and
    `friend_link` is the add-friend link that the composer inserts (S35).
    """

    ask_member_names: bool = False
    sticker_pictures: bool = False
    mark_as_read: bool = False
    show_typing: bool = False
    friend_link: str = ""

    @classmethod
    def of(cls, channel: Channel) -> "Options":
        kept = _object(channel.options)
        known = {one.name: one.default for one in fields(cls)}
        return cls(
            **{
                name: kept[name]
                for name, default in known.items()
                if isinstance(kept.get(name), type(default))
            }
        )

    def keep(self, channel: Channel) -> None:
        channel.options = json.dumps(asdict(self))


def _object(text: str | None) -> dict[str, Any]:
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
