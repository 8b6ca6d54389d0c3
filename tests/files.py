"""Short ways to files: pictures drawn on the spot, uploads in a draft, files of a sent reply."""

from io import BytesIO
from typing import Any

from PIL import Image

from app import storage
from app.domain import chats, uploads
from app.models import Agent, Attachment, Case

KINDS = {"jpg": ("image", "image/jpeg"), "png": ("image", "image/png"), "mp4": ("video", "video/mp4"),
         "m4a": ("audio", "audio/mp4"), "pdf": ("file", "application/pdf")}  # fmt: skip


def read(key: str) -> bytes:
    """What is stored under this name."""
    with storage.open_(key) as file:
        return file.read()


def kept() -> list[str]:
    """The names of all that is stored, and of what is on its way there."""
    stored = [one.key for one in storage.place().listed(storage.MEDIA)]
    return sorted([*stored, *(path.name for path in storage._coming().iterdir())])


def picture(format_: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    """A real picture of this format and size."""
    written = BytesIO()
    Image.new(mode, size, "teal").save(written, format_, **options)
    return written.getvalue()


def uploaded(case: Case, name: str, content: bytes, *, by: Agent, **fields: Any) -> Attachment:
    """A stored file in the agent's draft of this case, of the kind that its name says."""
    kind, content_type = KINDS.get(name.rpartition(".")[2], ("file", "application/octet-stream"))
    upload = Attachment(
        case_id=case.id,
        agent_id=by.id,
        kind=kind,
        state="stored",
        filename=name,
        content_type=content_type,
        size=len(content),
        storage_key=storage.write([content], largest=10**9).key,
        preview_key=storage.write([picture()], largest=10**9).key if kind in ("image", "video") else None,
    )
    for field, value in fields.items():
        setattr(upload, field, value)
    uploads.add(upload)
    return upload


def sent(case: Case, name: str, content: bytes, *, by: Agent, **fields: Any) -> Attachment:
    """A file of a reply, with its public link."""
    upload = uploaded(case, name, content, by=by, **fields)
    chats.reply(case, "", by=by, files=[upload.id])
    return upload
