"""What people do in LINE: write, add, block, invite, leave, unsend. Each act sends its webhook.

An act that LINE's app would not offer (writing to a blocked account, say) is refused with `Impossible`.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from linesim import clock, events, ids
from linesim.state import BLOCKED, FRIEND, GROUP, Customer, Group, Message, Sim
from linesim.webhooks import Courier, Delivery


class Impossible(Exception):
    """The act makes no sense now; the text says why."""


@dataclass
class Done:
    """What came of an act. `delivery` is None when LINE sends no webhook for it."""

    delivery: Delivery | None = None
    event: events.Event | None = None
    message: Message | None = None


class Stage:
    """Where people act: the state, and the courier that tells the bot server."""

    def __init__(self, sim: Sim, courier: Courier) -> None:
        self.sim, self.courier = sim, courier

    def write(self, customer: Customer, *, kind: str = "text", text: str = "", group: Group | None = None,
              quoted: str | None = None, anonymous: bool = False, extra: dict[str, Any] | None = None,
              content: str | None = None, content_type: str | None = None, size: int = 0, preparing: int = 0) -> Done:
        """A customer writes 1:1, or into a group. `extra` adds fields to the message as LINE would send them,
        `content` is the media in base64, `anonymous` leaves out the writer's id (a member without consent),
        `size` makes media at least so many bytes large, `preparing` is how often LINE says 202 before it is ready."""
        if kind not in events.KINDS:
            raise Impossible(f"there are no messages of the kind {kind!r}")
        if kind == "text" and not text:
            raise Impossible("a text needs words")
        with self.sim.lock:
            self._check_can_write(customer, group)
            body = events.KINDS[kind] | ({"text": text} if kind == "text" else {}) | (extra or {})
            if quoted:
                body = body | {"quotedMessageId": quoted}
            talk = group.group_id if group else customer.user_id
            message = self._message(customer, talk, kind, body)
            if content is not None:
                self._attach(message, content, content_type)
            message.least_size, message.preparing = size, preparing
            self.sim.add_message(message)
            if group is None:
                customer.wrote_at = message.sent_at
            if group is not None and not group.has_account:
                return Done(message=message)
            source = self._source(customer, group, anonymous=anonymous)
            event = events.message_event(message, source, self.sim.new_reply_token(talk))
            return self._tell(event, message)

    def follow(self, customer: Customer) -> Done:
        """Adds the account as a friend, or unblocks it."""
        with self.sim.lock:
            if customer.is_friend:
                raise Impossible(f"{customer.name} is a friend already")
            came_back, customer.relation = customer.has_blocked, FRIEND
            verb = "unblocked" if came_back else "added"
            self.sim.add_system_line(customer.user_id, f"{customer.name} {verb} {self.sim.account.name}")
            token = self.sim.new_reply_token(customer.user_id)
            return self._tell(self._user_event("follow", customer, follow={"isUnblocked": came_back}, replyToken=token))

    def block(self, customer: Customer) -> Done:
        with self.sim.lock:
            if customer.has_blocked:
                raise Impossible(f"{customer.name} has blocked the account already")
            customer.relation = BLOCKED
            self.sim.add_system_line(customer.user_id, f"{customer.name} blocked {self.sim.account.name}")
            return self._tell(self._user_event("unfollow", customer))

    def make_group(self, name: str, members: list[Customer], *, kind: str = GROUP) -> tuple[Group, Done]:
        """A new group (or old-style room) which the account is invited into at once."""
        with self.sim.lock:
            if not members:
                raise Impossible("a group needs members")
            name = ids.free_name(name or "Group", {group.name for group in self.sim.groups.values()})
            group_id = ids.group_id(name) if kind == GROUP else ids.room_id(name)
            group = Group(group_id, name, kind, [member.user_id for member in members], has_account=False)
            self.sim.groups[group_id] = group
            return group, self.invite_account(group)

    def invite_account(self, group: Group) -> Done:
        with self.sim.lock:
            if group.has_account:
                raise Impossible("the account is in the group already")
            group.has_account = True
            self.sim.add_system_line(group.group_id, f"{self.sim.account.name} joined")
            return self._tell(self._group_event("join", group, replyToken=self.sim.new_reply_token(group.group_id)))

    def remove_account(self, group: Group) -> Done:
        with self.sim.lock:
            if not group.has_account:
                raise Impossible("the account is not in the group")
            group.has_account = False
            self.sim.add_system_line(group.group_id, f"{self.sim.account.name} left")
            return self._tell(self._group_event("leave", group))

    def join(self, customer: Customer, group: Group) -> Done:
        with self.sim.lock:
            if customer.user_id in group.member_ids:
                raise Impossible(f"{customer.name} is in the group already")
            group.member_ids.append(customer.user_id)
            self.sim.add_system_line(group.group_id, f"{customer.name} joined")
            token = self.sim.new_reply_token(group.group_id)
            joined = {"members": [events.user_source(customer.user_id)]}
            return self._tell_if_present(group.group_id, self._group_event("memberJoined", group, joined=joined, replyToken=token))

    def leave(self, customer: Customer, group: Group) -> Done:
        with self.sim.lock:
            if customer.user_id not in group.member_ids:
                raise Impossible(f"{customer.name} is not in the group")
            group.member_ids.remove(customer.user_id)
            self.sim.add_system_line(group.group_id, f"{customer.name} left")
            left = {"members": [events.user_source(customer.user_id)]}
            return self._tell_if_present(group.group_id, self._group_event("memberLeft", group, left=left))

    def unsend(self, message: Message) -> Done:
        with self.sim.lock:
            if message.sender not in self.sim.customers or message.is_unsent:
                raise Impossible("only a customer's own message can be unsent, and only once")
            message.is_unsent, message.content = True, None
            self.sim.touch()
            unsend = {"messageId": message.id}
            return self._tell_if_present(message.talk, events.event("unsend", self._source_of(message), clock.now(), unsend=unsend))

    def edit(self, message: Message, text: str) -> Done:
        """LINE tells of edits in groups only."""
        with self.sim.lock:
            if message.kind != "text" or message.talk not in self.sim.groups or message.is_unsent:
                raise Impossible("only a text in a group can be edited")
            message.body = message.body | {"text": text}
            message.is_edited, message.quote_token = True, self.sim.new_quote_token(message)
            self.sim.touch()
            token = self.sim.new_reply_token(message.talk)
            return self._tell_if_present(message.talk, events.edited_event(message, self._source_of(message), token))

    def _check_can_write(self, customer: Customer, group: Group | None) -> None:
        if group is None and customer.has_blocked:
            raise Impossible(f"{customer.name} has blocked the account")
        if group is not None and customer.user_id not in group.member_ids:
            raise Impossible(f"{customer.name} is not in the group")

    def _message(self, customer: Customer, talk: str, kind: str, body: dict[str, Any]) -> Message:
        message = Message(ids.message_id(), talk, customer.user_id, kind, body, clock.now(), read_token=ids.opaque_token())
        if kind in events.QUOTABLE:
            message.quote_token = self.sim.new_quote_token(message)
        return message

    def _attach(self, message: Message, content: str, content_type: str | None) -> None:
        try:
            message.content = base64.b64decode(content, validate=True)
        except binascii.Error as problem:
            raise Impossible("content must be base64") from problem
        message.content_type = content_type or "application/octet-stream"
        if message.kind == "file":
            message.body = {"fileSize": len(message.content)} | message.body | {"fileSize": len(message.content)}

    def _source(self, customer: Customer, group: Group | None, *, anonymous: bool) -> dict[str, str]:
        if group is None:
            return events.user_source(customer.user_id)
        return events.group_source(group, None if anonymous else customer.user_id)

    def _source_of(self, message: Message) -> dict[str, str]:
        customer = self.sim.customers[message.sender]
        return self._source(customer, self.sim.groups.get(message.talk), anonymous=False)

    def _user_event(self, kind: str, customer: Customer, **rest: Any) -> events.Event:
        return events.event(kind, events.user_source(customer.user_id), clock.now(), **rest)

    def _group_event(self, kind: str, group: Group, **rest: Any) -> events.Event:
        return events.event(kind, events.group_source(group), clock.now(), **rest)

    def _tell_if_present(self, talk: str, event: events.Event) -> Done:
        """The account learns of a group's life only while it is in it."""
        group = self.sim.groups.get(talk)
        return self._tell(event) if group is None or group.has_account else Done()

    def _tell(self, event: events.Event, message: Message | None = None) -> Done:
        return Done(self.courier.send([event]), event, message)
