"""No address that somebody else chose leads anywhere private."""

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from pytest_django import Settings
from urllib3.connectionpool import HTTPSConnectionPool

from levqor.hooks import network
from levqor.hooks.network import UnreachableError, check_url, is_public, post


@pytest.fixture(autouse=True)
def production(settings: Settings) -> None:
    settings.DEBUG = False


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # a target that must be refused, nothing listens on it
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:53aa:64c:0:1:2:3",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "fe80::1%eth0",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "192.88.99.1",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
    ],
)
def test_a_private_address_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https:///nowhere",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://[::1",
        "https://例え.jp/",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UnreachableError):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://localhost/",
        "https://0/",
    ],
)
def test_a_literal_private_address_is_refused(url: str) -> None:
    with pytest.raises(UnreachableError):
        post(url, b"{}", {})


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14", "169.254.169.254")

    with pytest.raises(UnreachableError, match="private"):
        post("https://rebinding.example/", b"{}", {})


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14")
    parts = check_url("https://hooks.example.com/x")

    pool = network._pool(parts, str(network.checked_address(parts, 443)), 443)

    assert (pool.host, pool.conn_kw["server_hostname"]) == ("93.184.215.14", "hooks.example.com")
    assert isinstance(pool, HTTPSConnectionPool)
    assert pool.assert_hostname == "hooks.example.com"


def test_a_name_is_looked_up_once_so_that_a_second_answer_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["93.184.215.14", "169.254.169.254"])
    called = []

    def found(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)

    with pytest.raises(UnreachableError):
        post("https://rebinding.example/", b"{}", {})

    assert called == [("93.184.215.14", 443)]


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"])
def test_an_answer_that_drips_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    """One byte at a time passes every time-out of a socket; the whole must end all the same."""
    settings.DEBUG = True
    monkeypatch.setattr(network, "TOTAL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        dripper = Dripper(server, start)
        with suppress(UnreachableError):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
        dripper.join(20)

    assert dripper.was_cut


class Dripper(threading.Thread):
    """A server that answers one caller a byte every tenth of a second, for five minutes."""

    def __init__(self, server: socket.socket, start: bytes) -> None:
        super().__init__(daemon=True)
        self.server, self.beginning, self.was_cut = server, start, False
        self.start()

    def run(self) -> None:
        line, _ = self.server.accept()
        with line:
            try:
                line.sendall(self.beginning)
                for _ in range(3000):
                    line.sendall(b"x")
                    time.sleep(0.1)
            except OSError:
                self.was_cut = True


def test_a_name_that_is_not_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(UnreachableError, match="not known"):
        post("https://nowhere.example/", b"{}", {})
