"""What the demo's shop has written down to answer with: macros, three for everybody and one's own."""

from typing import Any

from app.demo.shop import Shop
from app.domain import labels, macros

SHARED: tuple[dict[str, Any], ...] = (
    {
        "name": "Parcel is on its way",
        "text": "Hello {contact.name},\n\nyour parcel has left us. Abroad it takes five to seven working"
        " days; the tracking number comes as soon as the carrier has given us one.\n\n{agent.name}",
        "actions": [
            {"action": "set_status", "value": "pending"},
            {"action": "add_labels", "value": ["shipping"]},
        ],
    },
    {
        "name": "ご予約ありがとうございます",
        "text": "{contact.name}さま、ご予約を承りました。当日お会いできるのを楽しみにしております。\n{agent.name}",
        "actions": [{"action": "end_chat_and_set_status", "value": "closed"}],
    },
    {"name": "Spam, away with it", "actions": [{"action": "mark_spam", "value": None}]},
)
MINE = {
    "name": "Which order?",
    "text": "Could you send me the order number, please? It begins with MT- and stands in your confirmation.",
}


def write_down(shop: Shop) -> None:
    """Hana shares three; Niran has one of his own."""
    hana, niran = shop.agents["Hana"], shop.agents["Niran"]
    labels.create("shipping", by=hana)
    for given in SHARED:
        macros.add(macros.read(given | {"shared": True}, by=hana), by=hana)
    macros.add(macros.read(MINE, by=niran), by=niran)
