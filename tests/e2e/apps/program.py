"""A program that runs in three sessions: one goes well, one meets an error, one crashes. Environment: SENTRY_DSN."""

import sentry_sdk

sentry_sdk.init(release="till@7", environment="shop", default_integrations=False)
scope = sentry_sdk.get_isolation_scope()


def run(person: str, kind: str) -> None:
    scope.set_user({"id": person})
    scope.start_session(session_mode="application")
    if kind == "errored":
        sentry_sdk.capture_message("paper is low", level="error")
        sentry_sdk.capture_exception(ValueError("no paper"))
    if kind == "crashed":
        try:
            raise RuntimeError("out of order")
        except RuntimeError as error:
            event, hint = sentry_sdk.utils.event_from_exception(error, mechanism={"type": "test", "handled": False})
            sentry_sdk.capture_event(event, hint)
    scope.end_session()


run("ann", "exited")
run("bob", "errored")
run("ann", "crashed")
sentry_sdk.flush()
