// A shop's checkout as a program: a trace, an error, what it keeps to itself, and what a customer said about it.
// Environment: SENTRY_DSN, SENTRY_PACKAGE. Prints the trace's id.
"use strict";

const Sentry = require(process.env.SENTRY_PACKAGE);

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: "checkout@2.0",
  environment: "live",
  tracesSampleRate: 1,
  includeLocalVariables: true,
  beforeSend: (event, hint) => (hint.originalException.message === "private" ? null : event),
});

function signIn(name, password) {
  throw new RangeError(`${name} may not buy ${password.length}`);
}

async function main() {
  await Sentry.startSpan({ op: "task", name: "checkout" }, async (root) => {
    Sentry.startSpan({ op: "db", name: "SELECT price FROM articles" }, () => {});
    try {
      signIn("jane", ["hunter2", "very", "secret"].join("-"));
    } catch (error) {
      const associatedEventId = Sentry.captureException(error);
      Sentry.captureFeedback({ name: "Jane", email: "jane@example.com", message: "I cannot pay", associatedEventId });
    }
    for (let number = 0; number < 3; number++) Sentry.captureException(new Error("private"));
    console.log(root.spanContext().traceId);
  });
  await Sentry.flush(5000); // and with it the report of what was dropped
}

main();
