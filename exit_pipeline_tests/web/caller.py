"""A caller of an application in this process, from any thread."""

from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from starlette.applications import Starlette

from exit_pipeline_tests.canaries import look

ADDRESS = "192.0.2.7"


class Caller:
    """Asks an application that runs in the event loop of a portal."""

    def __init__(
        self, portal: BlockingPortal, app: Starlette, headers: dict[str, str] | None = None
    ) -> None:
        self._portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(ADDRESS, 1))
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://service", headers=headers
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request."""
        answer = self._portal.call(partial(self._client.request, method, path, **options))
        look(f"{answer.headers} {answer.text}", f"the answer to {method} {path}")
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **options)
