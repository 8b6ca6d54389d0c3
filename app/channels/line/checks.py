"""What LINE last said of a channel's token and webhook, kept as JSON in `channels.checks`.

Facts only; `advice` makes words of them. Asking is an admin's own click (see `endpoint`, `setup`).
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.clock import now
from app.models import Channel

# LINE's word for accounts whose messages are marked as read by whoever answers (LINE.md 2.7).
BY_HAND = "manual"


@dataclass(frozen=True)
class Checks:
    """Everything that was asked; an empty time means never.

    `read_mode` is LINE's markAsReadMode. `test_reason` is LINE's word for its own webhook test, or
    one of `endpoint`'s own where LINE made none; empty where no test was asked for.
    """

    token_at: str = ""
    token_fits: bool = False
    secret_fits: bool = True
    read_mode: str = ""
    webhook_at: str = ""
    webhook_url: str = ""
    webhook_is_active: bool = False
    test_reason: str = ""
    test_status: int = 0
    test_detail: str = ""

    @classmethod
    def of(cls, channel: Channel) -> "Checks":
        kept = json.loads(channel.checks or "{}")
        return cls(**{name: kept[name] for name in cls.__dataclass_fields__ if name in kept})

    def keep(self, channel: Channel) -> None:
        channel.checks = json.dumps(asdict(self), ensure_ascii=False)

    def with_credentials(
        self, *, token_fits: bool, secret_fits: bool, read_mode: str = ""
    ) -> "Checks":
        """Asked just now; where LINE did not tell the mode, it is what it was."""
        return replace(
            self,
            token_at=now().isoformat(),
            token_fits=token_fits,
            secret_fits=secret_fits,
            read_mode=read_mode or self.read_mode,
        )

    @property
    def token_checked_at(self) -> datetime | None:
        return _moment(self.token_at)

    @property
    def webhook_checked_at(self) -> datetime | None:
        return _moment(self.webhook_at)

    @property
    def webhook_was_left_out(self) -> bool:
        """Whether LINE refused token or secret when last asked, so that the webhook's answers are older."""
        token_at, webhook_at = self.token_checked_at, self.webhook_checked_at
        if token_at is None or webhook_at is None or (self.token_fits and self.secret_fits):
            return False
        return webhook_at < token_at

    @property
    def reads_by_hand(self) -> bool:
        """Whether LINE shows "Read" when it is told to, and not by itself (S9)."""
        return self.read_mode == BY_HAND


def _moment(kept: str) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None
