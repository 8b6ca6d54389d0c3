"""What a browser would send of a page's form, without scripts."""

from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict

Attributes = list[tuple[str, str | None]]


class _Reader(HTMLParser):
    """Collects the successful controls of one form, and which errors stand at which field."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.is_inside = form_id, False
        self.sent: MultiDict[str, str] = MultiDict()
        self.buttons: list[str] = []
        self.focused: str | None = None
        self.select: str | None = None
        self.chosen: list[str] = []
        self.area: str | None = None
        self.text = ""
        self.offered: dict[str, list[str]] = {}
        self.errors: dict[str, str] = {}
        self.error: str | None = None

    def handle_starttag(self, tag: str, attributes: Attributes) -> None:
        found = dict(attributes)
        if tag == "form":
            self.is_inside = found.get("id") == self.form_id
        if not self.is_inside:
            return
        if "autofocus" in found or "data-focus" in found:
            self.focused = found.get("id")
        if (found.get("id") or "").endswith("-error"):
            self.error = found["id"].removesuffix("-error")
        getattr(self, f"_{tag}", lambda _found: None)(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_inside = False
        if tag == "p":
            self.error = None
        if tag == "select" and self.select:
            self.sent.add(self.select, self.chosen[-1])
            self.select = None
        if tag == "textarea" and self.area:
            self.sent.add(self.area, self.text.removeprefix("\n"))
            self.area = None

    def handle_data(self, data: str) -> None:
        self.text += data if self.area else ""
        if self.error and data.strip():
            self.errors[self.error] = data

    def _input(self, found: dict[str, str | None]) -> None:
        is_box = found.get("type") in ("checkbox", "radio")
        if is_box and "checked" not in found:
            self.offered.setdefault(found["name"], []).append(found.get("value") or "")
        if found.get("name") and (not is_box or "checked" in found):
            self.sent.add(found["name"], found.get("value") or "")

    def _button(self, found: dict[str, str | None]) -> None:
        if found.get("name") == "do" and "disabled" not in found:
            self.buttons.append(found.get("value") or "")

    def _select(self, found: dict[str, str | None]) -> None:
        self.select, self.chosen = found["name"], []

    def _option(self, found: dict[str, str | None]) -> None:
        if not self.chosen or "selected" in found:
            self.chosen.append(found.get("value") or "")

    def _textarea(self, found: dict[str, str | None]) -> None:
        self.area, self.text = found["name"], ""


class Form:
    """A page's form as a person sees it: what it would send, its buttons, where one goes on.

    `offered` are the boxes that are not ticked, `errors` what is said at which field.

    Its token is not among it: the browsers of these tests send theirs with every request.
    """

    def __init__(self, page: str, form_id: str) -> None:
        reader = _Reader(form_id)
        reader.feed(page)
        reader.sent.poplist("csrf_token")
        self.sent, self.buttons, self.focused = reader.sent, reader.buttons, reader.focused
        self.offered, self.errors = reader.offered, reader.errors

    def with_(self, **changes: str) -> "MultiDict[str, str]":
        """What is sent when somebody types this in these fields."""
        sent = self.sent.copy()
        for name, value in changes.items():
            sent[name] = value
        return sent


def pressing(sent: "MultiDict[str, str]", do: str) -> "MultiDict[str, str]":
    """The same, sent by this of the form's buttons."""
    pressed = sent.copy()
    pressed["do"] = do
    return pressed
