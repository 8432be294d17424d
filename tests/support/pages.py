"""A page with `@sentry/browser`, served from the test's own process: another origin than Vedette, as in life."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

E2E = Path(__file__).resolve().parents[1] / "e2e"
MODULES = E2E / "clients" / "node_modules"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript"}


@contextmanager
def shop_page(dsn: str) -> Iterator[str]:
    """Serve `apps/page.html` and the modules of the browser SDK, unbundled; gives the page's address."""
    index = (E2E / "apps" / "page.html").read_text().replace("IMPORT_MAP", json.dumps({"imports": _import_map()}))
    made = {"/": index.encode(), "/dsn.json": json.dumps({"dsn": dsn}).encode(), "/favicon.ico": b""}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = made.get(path)
            if body is None:
                file = MODULES / path.removeprefix("/modules/") if path.startswith("/modules/") else E2E / f"apps{path}"
                body = file.read_bytes() if file.is_file() else None
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", TYPES.get(Path(path).suffix or ".html", "application/json"))
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _import_map() -> dict[str, str]:
    """Where each bare module name of the SDK is: what its packages say in `exports` for a browser."""
    imports: dict[str, str] = {}
    for manifest in (*sorted(MODULES.glob("@sentry/*/package.json")), MODULES / "web-vitals" / "package.json"):
        package = json.loads(manifest.read_text())
        exports = package.get("exports") or {}
        for door in (name for name in exports if name.startswith(".") and "*" not in name):
            target = _import_target(exports[door])
            if target and target.endswith(("js", "mjs")):
                name = package["name"] + door.removeprefix(".")
                imports[name] = f"/modules/{package['name']}/{target.removeprefix('./')}"
    return imports


def _import_target(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    for condition in ("browser", "production", "import", "module", "default"):
        if isinstance(entry, dict) and condition in entry and (found := _import_target(entry[condition])):
            return found
    return ""
