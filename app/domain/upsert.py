"""`INSERT ... ON CONFLICT DO NOTHING/UPDATE`, said once for both engines.

PostgreSQL's and SQLite's dialects take the same clause; a test compiles it on both.
"""

from sqlalchemy.dialects.postgresql import Insert, insert

__all__ = ["Insert", "insert"]
