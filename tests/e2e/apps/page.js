import * as Sentry from "@sentry/browser";

const { dsn } = await (await fetch("/dsn.json")).json();

Sentry.init({ dsn, release: "shop@5.0.0", environment: "preview" });

function totalOf(basket) {
  return basket.lines.length;
}

document.querySelector("#buy").addEventListener("click", function buy() {
  totalOf({});
});
document.querySelector("#help").addEventListener("click", function help() {
  const eventId = Sentry.captureException(new Error("the basket is gone"));
  const onClose = () => (document.body.dataset.dialog = "closed");
  Sentry.showReportDialog({ eventId, title: "Where is the basket?", user: { name: "Kim" }, onClose });
});
document.querySelector("#tell").addEventListener("click", function tell() {
  Sentry.captureFeedback({ message: "The lamps are lovely", name: "Ann", email: "ann@example.org" });
});
document.body.dataset.ready = "yes";
