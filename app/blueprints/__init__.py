"""HTTP only, one noun a module: load, ask, commit, answer."""
