"""Customers with phones, as the LINE simulator plays them: what they write, and what they see."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from e2e.servers import Server, call
from linesim import ids

PATIENCE_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.05


class Line:
    """The simulator's control API."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def customer(self, name: str, **fields: Any) -> "Customer":
        """The person of this name, made if there is none yet."""
        found = self.call("POST", "/customers", {"name": name} | fields)
        return Customer(self, found["user_id"], name)

    def stranger(self, name: str) -> "Customer":
        """Somebody whose account LINE has closed, or whom it does not know yet."""
        return Customer(self, ids.user_id(name), name)

    def group(self, name: str, *members: "Customer") -> str:
        """A group that has the account in it; its id."""
        body = {"name": name, "members": [member.id for member in members], "wait": True}
        return self.call("POST", "/groups", body)["group_id"]

    def throws_out(self, group_id: str) -> None:
        """Somebody removes the account from a group."""
        self.call("DELETE", f"/groups/{group_id}/account", {"wait": True})

    def invites(self, group_id: str) -> None:
        self.call("POST", f"/groups/{group_id}/account", {"wait": True})

    def fault(self, call: str, what: str, **more: Any) -> None:
        """Let LINE fail at its next call of this name."""
        self.call("POST", "/faults", {"call": call, "what": what} | more)

    def waits_for_call(self, name: str) -> None:
        """Mado has called LINE by this name, soon."""
        wait_until(
            lambda: bool(self.call("GET", f"/calls?name={name}")["items"]),
            lambda: f"LINE got no call {name}",
        )

    def be_faultless(self) -> None:
        self.call("DELETE", "/faults")

    def account(self, **fields: Any) -> dict[str, Any]:
        return self.call("PATCH", "/account", fields)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return call(method, f"{self.server.url}/_sim{path}", body)


class Customer:
    """One person who uses LINE."""

    def __init__(self, line: Line, user_id: str, name: str) -> None:
        self._line, self.id, self.name = line, user_id, name

    def writes(self, text: str, *, group: str | None = None) -> None:
        """Write, and wait until the webhook has been answered with 200."""
        self.sends({"text": text} | ({"group": group} if group else {}))

    def sends(self, message: dict[str, Any]) -> str:
        """The same with any message; its id at LINE."""
        done = self._line.call("POST", f"/customers/{self.id}/messages", message | {"wait": True})
        assert done["status"] == 200, done
        return done["messageId"]

    def unsends(self, message_id: str) -> None:
        done = self._line.call("POST", f"/messages/{message_id}/unsend", {"wait": True})
        assert done["status"] == 200, done

    def quotes_seen(self) -> list[str | None]:
        """Which messages those of the account quote, oldest first."""
        talk = self._line.call("GET", f"/customers/{self.id}/talk")["items"]
        ids_of = {message["quote_token"]: message["id"] for message in talk}
        ours = [message["body"].get("quoteToken") for message in talk if message["from"] == "account"]
        return [ids_of.get(token) if token else None for token in ours]

    def follows(self) -> None:
        """Add the account as a friend."""
        self._line.call("POST", f"/customers/{self.id}/follow", {"wait": True})

    def joins(self, group_id: str) -> None:
        self._line.call("POST", f"/groups/{group_id}/members/{self.id}", {"wait": True})

    def writes_at_once(self, *texts: str) -> None:
        """Write all of this in one call of LINE, without reply tokens: only a push can answer."""
        done = self._line.call("POST", "/webhooks", {"events": [self._event(text) for text in texts], "wait": True})
        assert done["status"] == 200, done

    def writes_into_the_void(self, text: str) -> None:
        """Write while nobody takes webhooks; LINE sends it again later."""
        self._line.call("POST", f"/customers/{self.id}/messages", {"text": text})

    def chooses(self, choice: str) -> None:
        """Press a button whose data are these."""
        body = {"events": [self._of_mine("postback", {"data": choice})], "wait": True}
        done = self._line.call("POST", "/webhooks", body)
        assert done["status"] == 200, done

    def _event(self, text: str) -> dict[str, Any]:
        message = {"id": ids.message_id(), "type": "text", "text": text, "quoteToken": ids.opaque_token()}
        return self._of_mine("message", message)

    def _of_mine(self, kind: str, what: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": kind, "mode": "active", "timestamp": int(time.time() * 1000), kind: what,
            "source": {"type": "user", "userId": self.id}, "webhookEventId": ids.event_id(),
            "deliveryContext": {"isRedelivery": False},
        }

    def sees(self, *, group: str | None = None) -> list[str]:
        """What the account has written on this phone, oldest first."""
        where = f"?group={quote(group)}" if group else ""
        talk = self._line.call("GET", f"/customers/{self.id}/talk{where}")["items"]
        return [message["text"] for message in talk if message["from"] == "account"]

    def waits_to_see(self, *texts: str, group: str | None = None) -> None:
        """The account's messages are exactly these, in this order, soon."""
        wait_until(
            lambda: self.sees(group=group) == list(texts),
            lambda: f"{self.name} sees {self.sees(group=group)}, not {list(texts)}",
        )


def wait_until(
    is_so: Callable[[], bool], otherwise: Callable[[], str], *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Look again and again until it is so; fail with words after a while."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, otherwise()
        time.sleep(LOOK_EVERY_SECONDS)
