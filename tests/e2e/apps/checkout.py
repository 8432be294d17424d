"""A shop's checkout as a program: a trace, an error with secrets in its variables, what it keeps to itself.

Environment: SENTRY_DSN. Prints the trace's id. The secrets are put together, so that no line of source shows them.
"""

import sentry_sdk
from sentry_sdk.scrubber import EventScrubber


def keep_to_itself(event, hint):
    """Some errors are nobody's business: the SDK reports only how many there were."""
    return None if "private" in str(hint.get("exc_info", ("", ""))[1]) else event


sentry_sdk.init(
    release="checkout@1.0",
    environment="live",
    traces_sample_rate=1.0,
    before_send=keep_to_itself,
    in_app_include=["x"],
    event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),  # secrets leave the program: the server has to see them
)


def sign_in(name: str, password: str) -> None:
    card = {"number": " ".join(("4111", "1111", "1111", "1111")), "holder": name}
    api_key = "-".join(("sk", "9f8e7d6c5b4a"))
    raise PermissionError(f"{name} may not buy {len(card)} {len(api_key)} {len(password)}")


with sentry_sdk.start_transaction(op="task", name="checkout") as transaction:
    with sentry_sdk.start_span(op="db", name="SELECT price FROM articles"):
        pass
    with sentry_sdk.start_span(op="http.client", name="POST https://bank.example.com/pay"):
        try:
            sign_in("jane", "-".join(("hunter2", "very", "secret")))
        except PermissionError:
            sentry_sdk.capture_exception()
    for _ in range(3):
        try:
            raise ValueError("private")
        except ValueError:
            sentry_sdk.capture_exception()
    print(transaction.trace_id)

sentry_sdk.flush(5)
