"""NUL characters. PostgreSQL takes none in texts and documents, not even to look for them; SQLite takes all.

What is said with one is refused at the doors, so that both databases give the same answer.
"""

SENTENCE = "Null characters are not allowed."


def holds_nul(value: object) -> bool:
    """Whether a text of the JSON value `value`, or a name in it, has a NUL character, however deep it lies."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text) if "\0" in text:
                return True
            case list(elements):
                waiting += elements
            case dict(members):
                waiting += members
                waiting += members.values()
    return False


def query_holds_nul(query: str) -> bool:
    """The same of a query string as it came; a plus or a percent sign never makes a NUL of anything but `%00`."""
    return "%00" in query or "\0" in query
