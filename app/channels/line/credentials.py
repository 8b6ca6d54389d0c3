"""What a LINE channel's encrypted credentials hold, and the signature made with them.

LINE invalidates a secret the moment a new one is issued, yet calls that it made before may still
come, redelivered ones too: the previous secret is good for a day more (S5).
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from app.clock import now
from app.models import Channel

PREVIOUS_KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Credentials:
    """A LINE channel's own: token, secret, LINE's channel id; all empty on a fresh draft.

    `previous_secret` is the one before `secret`, accepted until `previous_until` (ISO 8601).
    """

    token: str = ""
    secret: str = ""
    channel_id: str = ""
    previous_secret: str = ""
    previous_until: str = ""

    @classmethod
    def of(cls, channel: Channel) -> "Credentials":
        kept = json.loads(channel.credentials or "{}")
        return cls(**{name: str(kept.get(name, "")) for name in cls.__dataclass_fields__})

    def keep(self, channel: Channel) -> None:
        channel.credentials = json.dumps(asdict(self))

    def after(self, old: "Credentials") -> "Credentials":
        """These, which take the place of `old`: a secret that was replaced is kept for a day."""
        if old.secret in ("", self.secret):
            return self
        until = now() + PREVIOUS_KEPT
        return replace(self, previous_secret=old.secret, previous_until=until.isoformat())

    def without_previous(self) -> "Credentials":
        return replace(self, previous_secret="", previous_until="")

    def previous_ends_at(self) -> datetime | None:
        """Until when the previous secret is accepted; None when there is none any more.

        It is never further away than it was at first: a clock that was wrong keeps none for years.
        """
        if not (self.previous_secret and self.previous_until):
            return None
        until, moment = datetime.fromisoformat(self.previous_until), now()
        return until if moment < until <= moment + PREVIOUS_KEPT else None

    def accepted_secrets(self) -> tuple[str, ...]:
        """What a signature may have been made with at this moment, the present one first."""
        previous = (self.previous_secret,) if self.previous_ends_at() else ()
        return (self.secret, *previous) if self.secret else ()


def is_signed_by_any(secrets: tuple[str, ...], raw: bytes, signature: bytes) -> bool:
    """Whether one of them signed these bytes; each is compared, whichever fits."""
    return any([is_signed(secret, raw, signature) for secret in secrets])


def is_signed(secret: str, raw: bytes, signature: bytes) -> bool:
    """Whether LINE signed these bytes: base64 of HMAC-SHA256, compared in constant time (S5).

    Source: LINE's reference, "Verify webhook signature".
    """
    mac = hmac.digest(secret.encode(), raw, hashlib.sha256)
    return hmac.compare_digest(base64.b64encode(mac), signature)
