// An Express shop that fails on purpose. Environment: SENTRY_DSN, SENTRY_PACKAGE, PORT.
"use strict";

const Sentry = require(process.env.SENTRY_PACKAGE);

Sentry.init({ dsn: process.env.SENTRY_DSN, release: "shop@3.1.0", environment: "canary" });

const express = require("express");

class BasketError extends Error {
  constructor(message) {
    super(message);
    this.name = "BasketError";
  }
}

function priceOf(article) {
  throw new BasketError(`no price for ${article}`);
}

const app = express();
app.get("/", (request, response) => response.send("open"));
app.get("/flush", async (request, response) => {
  await Sentry.flush(5000);
  response.send("sent");
});
app.get("/price/:article", (request, response) => response.send(String(priceOf(request.params.article))));
Sentry.setupExpressErrorHandler(app);
app.use((error, request, response, next) => response.status(500).send("broken"));
app.listen(Number(process.env.PORT), "127.0.0.1");
