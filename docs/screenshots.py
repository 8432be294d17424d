"""The pictures in `docs/images/`: a server with believable data, looked at with Chromium.

    .venv/bin/python docs/screenshots.py [--keep]

It starts a server in a temporary directory, reports three weeks of one shop's errors to it as SDKs do, and shoots the
stream and an issue at desk and phone width. `--keep` leaves the server running until Enter is pressed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.browser import launch  # noqa: E402
from tests.support.server import LiveServer  # noqa: E402

IMAGES = ROOT / "docs" / "images"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
RELEASES = ("shop@2.13.1", "shop@2.14.0", "shop@2.14.2")


PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
DESKTOP = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class Story:
    """One issue: what is sent, how often an hour by day of its life, and for how long it has been going on."""

    project: str
    event: dict[str, Any]
    days: float
    total: int
    users: int
    burst: float = 0.0
    environment: str = "production"


def frame(
    filename: str, function: str, lineno: int, *, app: bool = False, source: str = "", **more: Any
) -> dict[str, Any]:
    """A frame; `source` is a few lines of code of which the one that begins with `>` is the call."""
    lines = source.strip("\n").split("\n") if source else []
    at = next((number for number, line in enumerate(lines) if line.startswith(">")), 0)
    code = [line[1:] if line[:1] in (">", "|") else line for line in lines]
    context = {"pre_context": code[:at], "context_line": code[at], "post_context": code[at + 1 :]} if lines else {}
    module = more.pop("module", filename.removesuffix(".py").replace("/", "."))
    return {
        "filename": filename,
        "function": function,
        "lineno": lineno,
        "in_app": app,
        "module": module,
        **context,
        **more,
    }


DJANGO = (
    frame("django/core/handlers/exception.py", "inner", 55, source=">                response = get_response(request)"),
    frame(
        "django/core/handlers/base.py",
        "_get_response",
        197,
        source=">                response = wrapped_callback(request, *args, **kwargs)",
    ),
    frame(
        "django/views/decorators/csrf.py",
        "_wrapper_view",
        65,
        source=">        return view_func(request, *args)",
    ),
    frame(
        "django/views/generic/base.py",
        "view",
        105,
        source=">        return self.dispatch(request, *args, **kwargs)",
    ),
    frame("django/views/generic/base.py", "dispatch", 144, source=">        return handler(request, *args, **kwargs)"),
)

CHECKOUT = frame(
    "shop/checkout/views.py",
    "post",
    61,
    app=True,
    source="""
|    def post(self, request: HttpRequest) -> HttpResponse:
|        cart = Cart.of(request)
|        address = AddressForm(request.POST).save()
>        order = place_order(cart, address, coupon=request.POST.get("coupon"))
|        return redirect(order)
""",
    vars={
        "self": "<shop.checkout.views.CheckoutView object at 0x7f1c9a3d2e50>",
        "request": "<WSGIRequest: POST '/checkout/'>",
        "cart": "<Cart: 4 items, 186.40 EUR>",
        "address": "<Address: Wien>",
    },
)
PRICING = frame(
    "shop/orders/pricing.py",
    "apply_coupon",
    118,
    app=True,
    source="""
|def apply_coupon(total: Decimal, coupon: Coupon | None) -> Decimal:
|    \"\"\"The total after the coupon, never below zero.\"\"\"
|    if coupon is not None and coupon.expires_at < now():
|        coupon = None
>    discount = total * coupon.percent / 100
|    return max(total - discount, Decimal(0))
|
|
|def shipping_for(total: Decimal, country: str) -> Decimal:
""",
    vars={
        "total": "Decimal('186.40')",
        "coupon": "<Coupon: AUTUMN25, percent=None>",
        "customer": {"id": 4711, "tier": "gold", "card_token": "tok_1NirD82eZvKYlo2CIvbtLWuY"},
    },
)
ORDERS = frame(
    "shop/orders/services.py",
    "place_order",
    42,
    app=True,
    source="""
|    with transaction.atomic():
|        order = Order.objects.create(customer=cart.customer, address=address)
|        order.lines.set(cart.lines())
>        order.total = apply_coupon(cart.total(), find_coupon(coupon))
|        order.save(update_fields=["total"])
|    notify.order_placed.delay(order.pk)
""",
    vars={"cart": "<Cart: 4 items, 186.40 EUR>", "coupon": "'AUTUMN25'", "order": "<Order: 1048577>"},
)


def python_event(kind: str, value: str, *frames: dict[str, Any], transaction: str, **more: Any) -> dict[str, Any]:
    """An unhandled error of the shop's server."""
    mechanism = {"type": "django", "handled": False}
    thrown = {
        "type": kind,
        "value": value,
        "module": more.pop("module", None),
        "mechanism": mechanism,
        "stacktrace": {"frames": list(frames)},
    }
    return {
        "platform": "python",
        "level": more.pop("level", "error"),
        "transaction": transaction,
        "exception": {"values": [*more.pop("causes", []), thrown]},
        "contexts": {
            "runtime": {"name": "CPython", "version": "3.12.7"},
            "trace": {"trace_id": uuid.uuid4().hex, "span_id": uuid.uuid4().hex[:16], "op": "http.server"},
        },
        "modules": {
            "django": "5.2.19",
            "sentry-sdk": "2.75.0",
            "psycopg": "3.3.9",
            "redis": "8.1.0",
            "requests": "2.32.5",
        },
        "sdk": {
            "name": "sentry.python.django",
            "version": "2.75.0",
            "integrations": ["django", "logging", "redis", "stdlib", "threading"],
        },
        **more,
    }


def browser_event(kind: str, value: str, *frames: dict[str, Any], url: str, **more: Any) -> dict[str, Any]:
    """An error of the shop's pages."""
    mechanism = {"type": "onerror", "handled": False}
    thrown = {"type": kind, "value": value, "mechanism": mechanism, "stacktrace": {"frames": list(frames)}}
    return {
        "platform": "javascript",
        "level": "error",
        "exception": {"values": [thrown]},
        "request": {
            "url": url,
            "headers": {"User-Agent": PHONE},
        },
        "sdk": {"name": "sentry.javascript.browser", "version": "10.1.0"},
        **more,
    }


CHECKOUT_REQUEST: dict[str, Any] = {
    "url": "https://shop.example.com/checkout/",
    "method": "POST",
    "query_string": [["step", "pay"]],
    "headers": {
        "Accept": "text/html",
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": "shop.example.com",
        "User-Agent": DESKTOP,
    },
    "cookies": [["sessionid", "abc123"], ["currency", "EUR"]],
    "data": {"coupon": "AUTUMN25", "street": "Währinger Straße 4", "password": "hunter2"},
    "env": {"SERVER_NAME": "shop-web-3", "SERVER_PORT": "8000"},
}


VAT = {"method": "GET", "url": "https://rates.example.net/v1/vat?country=AT", "status_code": 200}


def breadcrumbs(at: float) -> list[dict[str, Any]]:
    """What led to the failed checkout."""
    postgres = {"db.system": "postgresql"}
    steps = (
        (-14.2, "navigation", "http", "info", None, {"method": "GET", "url": "/cart/", "status_code": 200}),
        (
            -9.81,
            "query",
            "query",
            "info",
            'SELECT "id", "sku" FROM "cart_line" WHERE "cart_id" = %s',
            postgres,
        ),
        (-9.64, "redis", "default", "info", "GET 'price:sku:88214'", {"redis.key": "price:sku:88214"}),
        (-3.02, "httplib", "http", "info", None, VAT),
        (-1.21, "shop.coupons", "default", "warning", "coupon AUTUMN25 has expired, it is ignored", {}),
        (
            -0.004,
            "query",
            "query",
            "info",
            'INSERT INTO "orders_order" ("customer_id", "address_id") VALUES (%s, %s)',
            postgres,
        ),
    )
    return [
        {"timestamp": at + before, "category": category, "type": kind, "level": level, "message": message, "data": data}
        for before, category, kind, level, message, data in steps
    ]


ADD_TO_CART = frame(
    "app/cart/addToCart.ts",
    "addToCart",
    23,
    app=True,
    colno=31,
    module="app/cart/addToCart",
    source="""
|export async function addToCart(sku: string, quantity: number) {
|  const response = await fetch(`/api/cart/${sku}`, { method: "POST" });
|  const line = await response.json();
>  badge.textContent = String(line.cart.count);
|  track("cart.add", { sku, quantity });
|}
""",
)
REACT = frame(
    "node_modules/react-dom/cjs/react-dom-client.production.js", "executeDispatch", 13120, colno=9, module="react-dom"
)

STORIES = (
    Story(
        "shop",
        python_event(
            "TypeError",
            "unsupported operand type(s) for *: 'decimal.Decimal' and 'NoneType'",
            *DJANGO,
            CHECKOUT,
            ORDERS,
            PRICING,
            transaction="shop.checkout.views.CheckoutView",
            request=CHECKOUT_REQUEST,
            extra={"cart_id": 90210, "feature_flags": {"new_pricing": True, "split_shipping": False}},
        ),
        days=2.2,
        total=412,
        users=173,
        burst=3.0,
    ),
    Story(
        "shop",
        python_event(
            "OperationalError",
            'connection to "db-2.internal", port 5432 failed: FATAL: remaining connection slots are reserved',
            frame("django/db/backends/base/base.py", "ensure_connection", 279, source=">        self.connect()"),
            frame("psycopg/connection.py", "connect", 117, source=">        raise last_ex.with_traceback(None)"),
            transaction="/api/stock/{sku}",
            level="fatal",
            module="django.db.utils",
            causes=[
                {
                    "type": "OperationalError",
                    "value": "FATAL: remaining connection slots are reserved",
                    "module": "psycopg",
                    "mechanism": {"type": "chained", "source": "__cause__", "exception_id": 1, "parent_id": 0},
                }
            ],
        ),
        days=0.4,
        total=96,
        users=61,
        burst=6.0,
    ),
    Story(
        "storefront",
        browser_event(
            "TypeError",
            "Cannot read properties of undefined (reading 'count')",
            REACT,
            ADD_TO_CART,
            url="https://shop.example.com/p/88214",
        ),
        days=12,
        total=688,
        users=402,
    ),
    Story(
        "payments",
        python_event(
            "PaymentDeclined",
            "card_declined: insufficient_funds (request req_8sHk2)",
            frame("celery/app/trace.py", "trace_task", 479),
            frame(
                "payments/tasks.py",
                "capture",
                88,
                app=True,
                source="""
|@app.task(bind=True, max_retries=5)
|def capture(self, payment_id: int) -> None:
|    payment = Payment.objects.get(pk=payment_id)
>    gateway.capture(payment.intent, payment.amount)
""",
            ),
            frame(
                "payments/gateway.py",
                "capture",
                131,
                app=True,
                source="""
|    if answer.status_code == 402:
>        raise PaymentDeclined(answer.json()["error"]["message"])
""",
            ),
            transaction="payments.tasks.capture",
            level="warning",
        ),
        days=20,
        total=301,
        users=290,
    ),
    Story(
        "storefront",
        browser_event(
            "ChunkLoadError",
            "Loading chunk 412 failed. (https://cdn.example.com/assets/412.8f3a1c.js)",
            frame("webpack/runtime/load script", "onScriptComplete", 31, module="webpack"),
            url="https://shop.example.com/checkout/",
        ),
        days=6,
        total=143,
        users=131,
        burst=1.5,
    ),
    Story(
        "shop",
        python_event(
            "KeyError",
            "'vat_rate'",
            *DJANGO,
            frame(
                "shop/tax/vat.py",
                "rate_for",
                27,
                app=True,
                source="""
|def rate_for(country: str) -> Decimal:
|    answer = session.get(f"{URL}/vat", params={"country": country}, timeout=2)
>    return Decimal(answer.json()["vat_rate"])
""",
            ),
            transaction="shop.cart.views.CartView",
        ),
        days=17,
        total=58,
        users=44,
    ),
    Story(
        "payments",
        {
            "platform": "python",
            "level": "info",
            "logger": "payments.reconcile",
            "logentry": {"message": "reconciled %s of %s payments, %s are still open", "params": ["1204", "1209", "5"]},
            "transaction": "payments.tasks.reconcile",
        },
        days=19,
        total=19,
        users=0,
        environment="production",
    ),
    Story(
        "shop",
        python_event(
            "TimeoutError",
            "search-1.internal:9200 did not answer within 2.0 s",
            *DJANGO,
            frame(
                "shop/search/client.py",
                "query",
                74,
                app=True,
                source="""
|    async with asyncio.timeout(self.timeout):
>        return await self.session.post(self.url, json=body)
""",
            ),
            transaction="shop.search.views.SearchView",
            level="warning",
        ),
        days=9,
        total=211,
        users=155,
        burst=0.6,
    ),
    Story(
        "storefront",
        browser_event(
            "NotAllowedError",
            "play() can only be initiated by a user gesture.",
            frame("app/media/Hero.tsx", "onVisible", 48, app=True, colno=13, module="app/media/Hero"),
            url="https://shop.example.com/",
        ),
        days=20,
        total=77,
        users=77,
    ),
    Story(
        "shop",
        python_event(
            "UnicodeDecodeError",
            "'utf-8' codec can't decode byte 0xfc in position 12: invalid start byte",
            frame(
                "shop/imports/supplier.py",
                "rows",
                39,
                app=True,
                source="""
|    with path.open(encoding="utf-8") as file:
>        yield from csv.DictReader(file, delimiter=";")
""",
            ),
            transaction="shop.imports.run",
        ),
        days=5,
        total=6,
        users=0,
        environment="staging",
    ),
    Story(
        "payments",
        python_event(
            "AssertionError",
            "ledger does not balance: 1 204.10 != 1 204.20",
            frame(
                "payments/ledger.py",
                "close_day",
                212,
                app=True,
                source="""
|    debit, credit = totals(day)
>    assert debit == credit, f"ledger does not balance: {debit} != {credit}"
""",
            ),
            transaction="payments.tasks.close_day",
            level="fatal",
        ),
        days=0.1,
        total=1,
        users=0,
    ),
)
CITIES = ("Wien", "Graz", "Linz", "Salzburg", "Innsbruck")


def occurrences(story: Story, now: datetime, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Every event of a story, spread over its days as traffic is: more by day, more lately where it bursts."""
    for number in range(story.total):
        while True:
            ago = story.days * dice.random() ** (1 + story.burst)
            at = now - timedelta(days=ago, seconds=20 + dice.random() * 40)
            if dice.random() < (0.35 if at.hour < 7 else 1.0):
                break
        yield {**story.event, **occurrence(story, at, number, now, dice)}


def occurrence(story: Story, at: datetime, number: int, now: datetime, dice: random.Random) -> dict[str, Any]:
    """What differs from one event of a story to the next."""
    user = dice.randrange(story.users) + 4000 if story.users else None
    age = now - at
    release = RELEASES[2] if age < timedelta(days=2.5) else RELEASES[1] if age < timedelta(days=9) else RELEASES[0]
    event: dict[str, Any] = {
        "event_id": uuid.UUID(int=dice.getrandbits(128), version=4).hex,
        "timestamp": at.timestamp(),
        "environment": story.environment,
        "release": release,
        "server_name": f"{story.project}-web-{dice.randrange(1, 5)}",
        "tags": {"city": dice.choice(CITIES), "tier": dice.choices(("free", "plus", "gold"), (6, 3, 1))[0]},
        "breadcrumbs": {"values": breadcrumbs(at.timestamp())},
    }
    if user:
        event["user"] = {"id": str(user), "email": f"customer{user}@example.com"}
    return event


def send(server: LiveServer, dsn: str, event: dict[str, Any]) -> None:
    """Report one event as an SDK does."""
    key, project = dsn.partition("//")[2].partition("@")[0], dsn.rpartition("/")[2]
    payload = json.dumps(event).encode()
    header = json.dumps({"event_id": event["event_id"]}).encode()
    item = json.dumps({"type": "event", "length": len(payload)}).encode()
    answer = server.client.request(
        "POST",
        f"/api/{project}/envelope/",
        b"\n".join((header, item, payload)),
        {
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}",
            "Content-Type": "application/x-sentry-envelope",
        },
    )
    if answer.status != 200:
        raise SystemExit(f"an event was answered with {answer.status}: {answer.text}")


def fill(server: LiveServer) -> None:
    """Make the shop's projects and report everything that went wrong in them."""
    dice, now = random.Random(7), datetime.now(UTC)  # noqa: S311 (always the same pictures)
    dsns = {name: server.bootstrap("acme", name, EMAIL, PASSWORD)["dsn"] for name in ("shop", "storefront", "payments")}
    jobs = [(dsns[story.project], event) for story in STORIES for event in occurrences(story, now, dice)]
    jobs.sort(key=lambda job: job[1]["timestamp"])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda job: send(server, *job), jobs))
    server.flush(120)


def shoot(server: LiveServer) -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    looks = (("", "light", 1440, 900), ("-dark", "dark", 1440, 900), ("-phone", "light", 390, 844))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for suffix, scheme, width, height in looks:
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
            page = context.new_page()
            page.goto(f"{server.url}/auth/login/?next=/organizations/acme/issues/%3Fsort%3Dfreq")
            page.fill("[name=username]", EMAIL)
            page.fill("[name=password]", PASSWORD)
            page.click("main button")
            page.wait_for_selector("[data-row]")
            page.screenshot(path=IMAGES / f"stream{suffix}.png")
            page.goto(f"{server.url}/organizations/acme/issues/?query=operand")
            page.click("[data-open]")
            page.wait_for_selector(".frame")
            page.screenshot(path=IMAGES / f"issue{suffix}.png")
            context.close()
        browser.close()


def main() -> None:
    """Start, fill, shoot, stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the server running until Enter is pressed")
    arguments = parser.parse_args()
    with LiveServer() as server:
        fill(server)
        shoot(server)
        if arguments.keep:
            input(f"{server.url}  {EMAIL}  {PASSWORD}\nEnter ends it. ")


if __name__ == "__main__":
    main()
