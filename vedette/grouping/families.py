"""Platform families.

Source: the grouping specification, 3.4.
"""

NATIVE = frozenset({"objc", "cocoa", "swift", "native", "c"})
JAVASCRIPT = frozenset({"javascript", "node"})


def family_of(platform: str) -> str:
    """`native`, `javascript` or `other`."""
    if platform in JAVASCRIPT:
        return "javascript"
    return "native" if platform in NATIVE else "other"
