"""The schema: columns, constraints, and predicates a row can answer about itself.

No queries and no provider's words; those live beside the noun in `domain/` and in `channels/`.
Constraints carry the invariants: one active chat a conversation, one receipt a webhook event,
one message a provider's message id, one message an idempotency key. Everybody asks here; the
chapters stand in `app/tables/`.
"""

from app.tables.base import (
    ACCESS_LEVELS,
    ACTIVE,
    AUTOMATIC,
    DELETED,
    GROUP_KINDS,
    LARGEST_ID,
    LISTED,
    MAIL_CHOICES,
    NAMES,
    PRIORITIES,
    ROLES,
    SHOWN,
    SPAM,
    STATUSES,
    TRASHED,
    UNREAD,
    UNUSUAL,
    Base,
)
from app.tables.cases import Case, Label, case_labels
from app.tables.channels import CallFailure, Channel, Contact, Conversation, Identity, MonthlyCount
from app.tables.house import RULE_EVENTS, Event, Lease, Setting
from app.tables.messages import (
    Attachment,
    Delivery,
    Draft,
    EarlyChange,
    Message,
    ReadMark,
    Receipt,
    SentPart,
)
from app.tables.notifications import Notification, WebhookCall
from app.tables.people import (
    Agent,
    ApiToken,
    Group,
    Invitation,
    RecoveryCode,
    Session,
    group_members,
)
from app.tables.rules import Macro, Rule, RuleMark, RulePass, RuleRun, RuleVersion

__all__ = [
    "ACCESS_LEVELS",
    "ACTIVE",
    "AUTOMATIC",
    "DELETED",
    "GROUP_KINDS",
    "LARGEST_ID",
    "LISTED",
    "MAIL_CHOICES",
    "NAMES",
    "PRIORITIES",
    "ROLES",
    "RULE_EVENTS",
    "SHOWN",
    "SPAM",
    "STATUSES",
    "TRASHED",
    "UNREAD",
    "UNUSUAL",
    "Agent",
    "ApiToken",
    "Attachment",
    "Base",
    "CallFailure",
    "Case",
    "Channel",
    "Contact",
    "Conversation",
    "Delivery",
    "Draft",
    "EarlyChange",
    "Event",
    "Group",
    "Identity",
    "Invitation",
    "Label",
    "Lease",
    "Macro",
    "Message",
    "MonthlyCount",
    "Notification",
    "ReadMark",
    "Receipt",
    "RecoveryCode",
    "Rule",
    "RuleMark",
    "RulePass",
    "RuleRun",
    "RuleVersion",
    "SentPart",
    "Session",
    "Setting",
    "WebhookCall",
    "case_labels",
    "group_members",
]
