"""Which addresses this server speaks to, before it speaks to any."""

import ipaddress

import pytest

from vedette.core import outgoing
from vedette.core.outgoing import Outgoing, OutgoingFailed, OutgoingRefused, is_public, read_url

PUBLIC = "93.184.215.14"


def at(*addresses, **options):
    """Outgoing requests of a server to which every name has these addresses."""
    return Outgoing(resolve=lambda host, port: addresses, **options)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001:0:5ef5:79fd::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
    ],
)
def test_addresses_of_this_machine_and_its_networks_are_not(address):
    assert not is_public(ipaddress.ip_address(address))

    with pytest.raises(OutgoingRefused, match=r"example\.org has no public address"):
        at(address).send("GET", "http://example.org/")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "localhost"])
def test_this_machine_is_refused_however_it_is_written(host):
    with pytest.raises(OutgoingRefused, match="no public address"):
        Outgoing().send("GET", f"http://{host}:1/")


@pytest.mark.parametrize(
    ("allow", "address"),
    [
        ("10.0.0.0/8", "10.9.9.9"),
        ("10.9.9.9", "10.9.9.9"),
        ("10.0.0.0/8", "::ffff:10.9.9.9"),
        ("fd00::/8", "fd00::7"),
        ("Git.Internal", "10.9.9.9"),
        ("*", "127.0.0.1"),
    ],
)
def test_the_operator_may_allow_more(allow, address):
    found = at(address, allow=(allow,))._addresses("git.internal", 80)

    assert [str(one) for one in found] == [str(ipaddress.ip_address(address))]


@pytest.mark.parametrize("allow", ["11.0.0.0/8", "internal", "git.internal.example.org", "fd00::/8"])
def test_what_is_allowed_allows_nothing_else(allow):
    with pytest.raises(OutgoingRefused):
        at("10.9.9.9", allow=(allow,)).send("GET", "http://git.internal/")


def test_of_several_addresses_only_those_that_may_be_spoken_to_are_tried():
    assert [str(one) for one in at("127.0.0.1", PUBLIC, "::1")._addresses("example.org", 80)] == [PUBLIC]


def test_at_most_four_addresses_are_tried():
    assert len(at(*(f"8.8.8.{number}" for number in range(9)))._addresses("example.org", 80)) == 4


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://[::1/",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org/a b",
        "http://example.org/\r\nX: y",
        "http://example.org\\@127.0.0.1/",
        "http://bücher.example/",
        f"http://example.org/{'a' * 2000}",
    ],
)
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(OutgoingRefused) as caught:
        read_url(url)

    assert "secret" not in str(caught.value)


def test_what_stands_behind_the_hash_is_not_sent():
    assert read_url("https://example.org/a?b#c").geturl() == "https://example.org/a?b"


def test_an_address_can_be_judged_by_its_form_before_anybody_is_asked(monkeypatch):
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", pytest.fail)

    Outgoing().check("https://example.org/hook")
    Outgoing(allow=("10.0.0.0/8",)).check("https://10.0.0.1/hook")
    with pytest.raises(OutgoingRefused):
        Outgoing().check("https://10.0.0.1/hook")
    with pytest.raises(OutgoingRefused):
        Outgoing().check("https://[::ffff:10.0.0.1]/hook")


def test_a_host_that_nobody_knows_may_be_known_later(monkeypatch):
    def nobody(*args, **kwargs):
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", nobody)

    with pytest.raises(OutgoingFailed, match=r"nowhere\.example is not found"):
        Outgoing().send("GET", "http://nowhere.example/")
