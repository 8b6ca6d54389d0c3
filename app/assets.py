"""Static files under addresses that change with them, and all stylesheets as one.

A page is shown when its stylesheet is there: a browser that met main.css as it stands would ask for
fifty files more, by names that it learns from the first.
"""

import hashlib
import io
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from flask import Flask, Response, send_file, send_from_directory
from werkzeug.routing import Rule

A_YEAR = 365 * 24 * 3600
SHEET = "css/main.css"
_IMPORT = re.compile(r'@import url\("([\w.]+)"\) layer\((\w+)\);')


def init_app(app: Flask) -> Callable[[str], str]:
    """Serve the assets; a function from an asset's path to its address.

    The version is a folder, so that modules and stylesheets find each other by relative paths,
    and browsers keep everything for a year.
    """
    folder = Path(app.static_folder or "")
    version = "dev" if app.debug else version_of(folder)
    app.url_map.add(Rule("/static/v/<version>/<path:filename>", endpoint="static", methods=["GET"]))

    def serve(filename: str, version: str | None = None) -> Response:
        lasts = version is not None and version != "dev"
        how_long = A_YEAR if lasts else None
        if filename == SHEET and not app.debug:
            sheet = io.BytesIO(one_sheet(folder))
            response = send_file(sheet, "text/css", etag=version_of(folder), max_age=how_long)
        else:
            response = send_from_directory(folder, filename, max_age=how_long)
        if lasts:
            response.cache_control.public = response.cache_control.immutable = True
        return response

    app.view_functions["static"] = serve
    return lambda path: f"/static/v/{version}/{path}"


@cache
def one_sheet(folder: Path) -> bytes:
    """main.css with every sheet in the place where it is imported, in its layer."""
    main = folder / SHEET

    def sheet(found: re.Match[str]) -> str:
        return f"@layer {found[2]} {{\n{main.with_name(found[1]).read_text()}}}\n"

    return _IMPORT.sub(sheet, main.read_text()).encode()


@cache
def version_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
