"""Which proxy a server is asked through. Calls over a session: ``tests/wire``."""

from __future__ import annotations

import os

import pytest

from annoengine.wire_session import goes_by_aiohttp, proxy_for

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("set", "url", "proxy"),
    [
        ({}, "https://api.example.com/v1", None),
        ({"HTTPS_PROXY": PROXY}, "https://api.example.com/v1", PROXY),
        ({"https_proxy": PROXY}, "https://api.example.com/v1", PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://api.example.com/v1", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://api.example.com/v1", None),
        ({"ALL_PROXY": PROXY}, "http://api.example.com/v1", PROXY),
        ({"ALL_PROXY": PROXY, "HTTP_PROXY": "http://b:1"}, "http://x.example/v1", "http://b:1"),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8000/v1", None),
        ({"ALL_PROXY": PROXY}, "https://localhost:8000/v1", None),
        ({"HTTP_PROXY": PROXY}, "http://10.0.0.7:8000/v1", PROXY),
    ],
)
def test_the_proxy_for_an_address(
    set: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in set.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


@pytest.mark.parametrize(
    ("excepted", "url", "through"),
    [
        ("*", "https://api.example.com/v1", False),
        ("example.com", "https://api.example.com/v1", False),
        (".example.com", "https://api.example.com/v1", False),
        ("a.org, *.example.com", "https://api.example.com/v1", False),
        ("*.example.com", "https://example.com/v1", True),
        ("example.com", "https://anexample.com/v1", True),
        ("api.example.com:8443", "https://api.example.com:8443/v1", False),
        ("api.example.com:8443", "https://api.example.com/v1", True),
        ("10.0.0.7", "https://10.0.0.7/v1", False),
    ],
)
def test_servers_that_are_excepted(
    excepted: str, url: str, through: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", excepted)
    assert (proxy_for(url) is not None) == through


@pytest.mark.parametrize(
    ("proxy", "goes"), [("http://p:1", True), ("https://p:1", True), ("socks5h://p:1", False)]
)
def test_aiohttp_goes_through_http_proxies(
    proxy: str, goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert goes_by_aiohttp("https://api.example.com/v1") == goes
    assert goes_by_aiohttp("https://localhost/v1")
