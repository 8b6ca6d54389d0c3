"""Messages that need more than a kind: sets of photos, LINE's emoji, a mention, a nameless member, files from this device."""

import base64
from typing import Any

from werkzeug.datastructures import FileStorage

from linesim import ids
from linesim.acts import Impossible, Stage
from linesim.state import Customer, Group

# LINE sends the pictures of a set in no order; this is one that is wrong.
SET_ORDER = (2, 1, 3)
EMOJI_TEXT = "Good morning (hello) from me"
EMOJI = {"index": 13, "length": 7, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}
KINDS = ("photos", "part", "emoji", "mention", "nameless", "upload")


def send(stage: Stage, writer: Customer, kind: str, *, group: Group | None, files: list[FileStorage]) -> None:
    """One of KINDS. Raise Impossible when nothing was chosen."""
    match kind:
        case "photos" | "part":
            set_id = ids.opaque_token()
            for index in SET_ORDER if kind == "photos" else SET_ORDER[:-1]:
                extra = {"imageSet": {"id": set_id, "index": index, "total": len(SET_ORDER)}}
                stage.write(writer, kind="image", group=group, extra=extra)
        case "emoji":
            stage.write(writer, text=EMOJI_TEXT, group=group, extra={"emojis": [EMOJI]})
        case "mention":
            _mention(stage, writer, group)
        case "nameless":
            if group is None:
                raise Impossible("only members of a group can write without a user id")
            stage.write(writer, text="I agreed to nothing yet", group=group, anonymous=True)
        case _:
            _upload(stage, writer, group, [file for file in files if file.filename])


def _mention(stage: Stage, writer: Customer, group: Group | None) -> None:
    account = stage.sim.account
    name = f"@{account.name}"
    mentionee = {"index": 0, "length": len(name), "type": "user", "userId": account.user_id, "isSelf": True}
    stage.write(writer, text=f"{name} can you look at this?", group=group, extra={"mention": {"mentionees": [mentionee]}})


def _upload(stage: Stage, writer: Customer, group: Group | None, files: list[FileStorage]) -> None:
    if not files:
        raise Impossible("choose a file first")
    kinds = [_kind_of(file) for file in files]
    is_set = len(files) > 1 and set(kinds) == {"image"}
    set_id = ids.opaque_token()
    for index, (file, kind) in enumerate(zip(files, kinds, strict=True), start=1):
        extra: dict[str, Any] = {"fileName": file.filename} if kind == "file" else {}
        if is_set:
            extra["imageSet"] = {"id": set_id, "index": index, "total": len(files)}
        content = base64.b64encode(file.read()).decode()
        stage.write(writer, kind=kind, group=group, extra=extra, content=content, content_type=file.mimetype)


def _kind_of(file: FileStorage) -> str:
    kind = file.mimetype.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"
