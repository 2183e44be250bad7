"""A client of a server in this process: no socket, no thread of its own."""

import asyncio
from functools import partialmethod
from typing import Any

import httpx
from fastapi import FastAPI


class Client:
    """Asks an application, one request after the other, as if from an address."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self.app, self._runner = app, asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://study.example")

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **more))

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        self.app.state.server.close()
