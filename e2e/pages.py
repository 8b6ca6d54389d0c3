"""Which pages there are, as the application's own routes tell, and which of them browsers have shown."""

from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import BrowserContext, Response

# Routes for GET that answer no HTML, or nobody here; the JSON API has pages for nobody.
NO_PAGES = {
    "static": "stylesheets, scripts, icons",
    "attachments.original": "a file",
    "attachments.preview": "a picture",
    "channels.kept_back_event": "a file",
    "channels.picture": "a picture",
    "contacts.picture": "a picture",
    "media.original": "a file",
    "media.preview": "a picture",
    "health.healthz": "a word for load balancers",
    "health.readyz": "a word for load balancers",
    "metrics.index": "numbers for a monitoring",
    "live.socket": "a websocket",
    "chats.home": "leads to /chats",
    "patterns.index": "there in development only",
}
# Pieces that pages put in, opened by a button or fetched when something happened.
PARTS = frozenset({
    *("account.state", "cases.message_parts", "chats.colleagues", "chats.list_part", "composer.macro_list"),
    *("composer.quote", "live.banners", "live.incoming", "live.responses", "notifications.bell"),
})  # fmt: skip
BEFORE_SIGNING_IN = frozenset({"auth.invitation", "auth.sign_in", "forgotten.index", "second_step.ask"})


class Shown:
    """Notes every page and part of a page that browsers were given, by the route's name."""

    def __init__(self, app: Flask) -> None:
        self._urls = app.url_map.bind("localhost")
        routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
        self.pages = {name for name in routes if not name.startswith("api.")} - NO_PAGES.keys()
        self.seen: set[str] = set()

    def over(self, context: BrowserContext) -> None:
        """Look at what this browser is given from now on."""
        context.on("response", self._note)

    def _note(self, answer: Response) -> None:
        is_page = answer.status == 200 and answer.headers.get("content-type", "").startswith("text/html")
        if is_page and answer.request.method == "GET":
            endpoint, _values = self._urls.match(urlsplit(answer.url).path)
            self.seen.add(endpoint)
