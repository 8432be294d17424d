"""The companion archive: what Sentry's own export leaves behind, moved between Vedette servers.

One file: a tar of plain members (`container`), with Sentry's array in it and everything else beside it. What travels is
declared (`declarations`), each model once; exports, imports and the documentation read the declarations.
"""
