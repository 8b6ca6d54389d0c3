"""Bringing a whole installation into one file, and back: database, files, what must not happen twice."""
