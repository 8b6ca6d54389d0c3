"""The tables, a chapter a module; `app.models` is their door."""
