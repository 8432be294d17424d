"""Encrypted exports, both ways, and with the library that others use. Source: the relocation specification, 1.4."""

import base64
import bz2
import gzip
import io
import itertools
import lzma
import os
import tarfile
import tracemalloc
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from vedette.relocation.files import fernet, tarball
from vedette.relocation.files.fernet import DataKey, TokenReader, TokenWriter
from vedette.relocation.files.findings import BadFile, Finding, FindingKind
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, is_sealed, seal, unseal

CONTENT = b'[{"model":"sentry.option","pk":1,"fields":{}}]'
SIZES = (0, 1, 15, 16, 17, 1000, 3 * 2**18 - 25, 3 * 2**18, 2**20 + 7)


@cache
def key_pair(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def private_pem(number: int = 0, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key_pair(number).private_bytes(Encoding.PEM, form, NoEncryption())


def public_pem(number: int = 0, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return key_pair(number).public_key().public_bytes(Encoding.PEM, form)


def sealed(content: bytes = CONTENT, pem: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with seal(out, LocalPublicKey(pem or public_pem())) as stream:
        stream.write(content)
    return out.getvalue()


def opened(archive: bytes, pem: bytes | None = None) -> bytes:
    with unseal(io.BytesIO(archive), LocalPrivateKey(pem or private_pem())) as stream:
        return stream.read()


def refusal_of(archive: bytes, pem: bytes | None = None) -> Finding:
    with pytest.raises(BadFile) as refused:
        opened(archive, pem)
    return refused.value.finding


def theirs(content: bytes = CONTENT, **changed: bytes | None) -> bytes:
    """An archive as the reference makes it; `changed` replaces members, adds them, or (None) leaves them out."""
    key = Fernet.generate_key()
    oaep = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
    members: dict[str, bytes | None] = {
        "export.json": Fernet(key).encrypt(content),
        "data.key": key_pair(0).public_key().encrypt(key, oaep),
        "key.pub": public_pem(),
    }
    return tarred({**members, **{name.replace("_", "."): content for name, content in changed.items()}})


def tarred(members: Mapping[str, bytes | None], form: int = tarfile.DEFAULT_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in members.items():
            if content is not None:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def members_of(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


# ---------------------------------------------------------------- both ways


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_is_opened(size: int) -> None:
    content = os.urandom(size)

    assert opened(sealed(content)) == content


@pytest.mark.parametrize("size", SIZES)
def test_the_library_of_others_opens_what_we_seal(size: int) -> None:
    content = os.urandom(size)
    members = members_of(sealed(content))

    oaep = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
    key = key_pair(0).decrypt(members["data.key"], oaep)
    assert len(key) == 44
    assert Fernet(key).decrypt(members["export.json"]) == content
    assert members["key.pub"] == public_pem()


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_the_library_of_others_seals(size: int) -> None:
    content = os.urandom(size)

    assert opened(theirs(content)) == content


def test_an_archive_has_the_bytes_of_the_reference_but_for_what_is_random() -> None:
    archive = sealed()

    assert list(members_of(archive)) == ["export.json", "data.key", "key.pub"]
    assert tarred(members_of(archive)) == archive
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert {(i.mode, i.mtime, i.uid, i.gid, i.isreg()) for i in tar} == {(0o644, 0, 0, 0, True)}


def test_two_runs_never_give_equal_bytes() -> None:
    assert members_of(sealed())["export.json"] != members_of(sealed())["export.json"]


def test_a_pipe_is_sealed_into_as_well(tmp_path: Path) -> None:
    read, write = os.pipe()  # holds 64 KiB, more than this archive

    with os.fdopen(write, "wb") as out, seal(out, LocalPublicKey(public_pem()), work_dir=tmp_path) as stream:
        stream.write(CONTENT)
    with os.fdopen(read, "rb") as piped, unseal(piped, LocalPrivateKey(private_pem()), work_dir=tmp_path) as found:
        assert found.read() == CONTENT

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_appended_to_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"before")

    with path.open("ab") as out, seal(out, LocalPublicKey(public_pem())) as stream:
        stream.write(CONTENT)

    assert path.read_bytes()[:6] == b"before"
    assert opened(path.read_bytes()[6:]) == CONTENT


def test_an_interrupted_export_is_no_archive() -> None:
    out = io.BytesIO()

    with pytest.raises(ZeroDivisionError), seal(out, LocalPublicKey(public_pem())) as stream:
        stream.write(CONTENT * 10 + bytes([1 // 0]))

    assert not is_sealed(io.BytesIO(out.getvalue()))
    assert len(out.getvalue()) < 1000


def test_a_file_is_opened_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(sealed())

    with unseal(tmp_path / "archive", LocalPrivateKey(private_pem())) as stream:
        assert [stream.read(5), stream.read()] == [CONTENT[:5], CONTENT[5:]]


@pytest.mark.parametrize("order", list(itertools.permutations(["export.json", "data.key", "key.pub"])), ids="-".join)
def test_members_are_read_in_any_order(order: tuple[str, ...]) -> None:
    members = members_of(theirs())

    assert opened(tarred({name: members[name] for name in order})) == CONTENT


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar_is_read(form: int) -> None:
    assert opened(tarred(members_of(theirs()), form)) == CONTENT


def test_directories_and_links_are_passed_over() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo("n" * 150)
            info.type, info.linkname = kind, "export.json"
            tar.addfile(info)
        for name, content in members_of(theirs()).items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(content), {"comment": "ä"}
            tar.addfile(info, io.BytesIO(content))

    assert opened(out.getvalue()) == CONTENT


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_packed_archives_are_read(pack: Callable[[bytes], bytes]) -> None:
    content = os.urandom(9_000)
    archive = theirs(content)

    assert opened(pack(archive)) == content
    assert opened(pack(archive[:1000]) + pack(archive[1000:])) == content
    assert refusal_of(pack(archive)[:-20]).kind == FindingKind.MALFORMED_ARCHIVE


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS#8", "PKCS#1"])
def test_both_forms_of_private_keys_open(form: PrivateFormat) -> None:
    assert opened(theirs(), private_pem(form=form)) == CONTENT


@pytest.mark.parametrize(
    "pem",
    [public_pem().replace(b"\n", b"\r\n"), public_pem().rstrip(), public_pem(form=PublicFormat.PKCS1)],
    ids=["CRLF", "no last newline", "PKCS#1"],
)
def test_a_public_key_in_another_form_seals_what_every_reader_opens(pem: bytes) -> None:
    archive = sealed(pem=pem)

    assert members_of(archive)["key.pub"] == public_pem()
    assert opened(archive) == CONTENT


def test_sealed_files_are_told_from_plain_ones() -> None:
    archive = sealed()

    for sample in (archive, gzip.compress(archive), bz2.compress(archive), lzma.compress(archive)):
        assert is_sealed(io.BytesIO(sample))
    for sample in (b"", b"[]", b"[\n  {", CONTENT, b"x" * 600, bytes(600)):
        assert not is_sealed(io.BytesIO(sample))


# ---------------------------------------------------------------- bad input


def a_member(name: str, change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    def damaged() -> bytes:
        members: dict[str, bytes | None] = dict(members_of(theirs()))
        members[name] = change(members[name] or b"")
        return tarred(members)

    return damaged


def flipped(text: bytes, at: int) -> bytes:
    return text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]


def a_token(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return a_member("export.json", change)


ARCHIVE, CLOSED = FindingKind.MALFORMED_ARCHIVE, FindingKind.DECRYPTION_ERROR
DAMAGED: dict[str, tuple[Callable[[], bytes], FindingKind, str]] = {
    "another member": (lambda: theirs(readme_txt=b"x"), ARCHIVE, "'readme.txt'"),
    "no data key": (lambda: theirs(data_key=None), ARCHIVE, "does not hold data.key"),
    "no export": (lambda: theirs(export_json=None), ARCHIVE, "does not hold export.json"),
    "no public key": (lambda: theirs(key_pub=None), ARCHIVE, "does not hold key.pub"),
    "nothing": (lambda: tarred({}), ARCHIVE, "hold export.json and data.key and"),
    "an empty file": (lambda: b"", FindingKind.TRUNCATED_FILE, "cut off"),
    "a plain export": (lambda: CONTENT * 20, ARCHIVE, "no tar archive"),
    "a member twice": (lambda: tarred(members_of(theirs()))[: -14 * 512] + theirs(), ARCHIVE, "twice"),
    "another key pair": (lambda: theirs(key_pub=public_pem(1)), CLOSED, "for another key"),
    "another form of the key": (
        lambda: theirs(key_pub=public_pem() + b"\n"),
        CLOSED,
        "in another form",
    ),
    "no public key in it": (lambda: theirs(key_pub=b"hello"), CLOSED, "for another key"),
    "a garbled data key": (a_member("data.key", lambda key: flipped(key, 9)), CLOSED, "data.key"),
    "a huge data key": (lambda: theirs(data_key=b"x" * 9000), FindingKind.TOO_LARGE, "data.key"),
    "an altered token": (a_token(lambda t: flipped(t, 60)), CLOSED, "altered"),
    "an altered IV": (a_token(lambda t: flipped(t, 20)), CLOSED, "altered"),
    "an altered HMAC": (a_token(lambda t: flipped(t, -20)), CLOSED, "altered"),
    "a cut token": (a_token(lambda t: t[:-24]), CLOSED, "cut off"),
    "a token of odd length": (a_token(lambda t: t[:-3]), CLOSED, "not base64"),
    "no base64": (a_token(lambda t: b"!!!!" + t[4:]), CLOSED, "not base64"),
    "the other base64": (a_token(lambda t: t[:8] + b"+/+/" + t[12:]), CLOSED, "not base64"),
    "padding inside": (a_token(lambda t: t[:8] + b"YQ==" + t[12:]), CLOSED, "not base64"),
    "another version": (a_token(lambda t: b"B" + t[1:]), CLOSED, "not a Fernet token"),
    "an empty token": (a_token(lambda t: b""), CLOSED, "not a Fernet token"),
    "plain content": (a_token(lambda t: CONTENT), CLOSED, "not a Fernet token"),
    "a file cut off": (lambda: theirs(os.urandom(9000))[:5000], FindingKind.TRUNCATED_FILE, "cut off"),
    "a header cut off": (lambda: theirs()[:700], FindingKind.TRUNCATED_FILE, "cut off"),
    "a damaged header": (lambda: flipped(theirs(), 130), ARCHIVE, "no tar archive"),
}  # fmt: skip


@pytest.mark.parametrize(("archive", "kind", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_wrong_with_an_archive_is_told(archive: Callable[[], bytes], kind: FindingKind, reason: str) -> None:
    finding = refusal_of(archive())

    assert finding.kind == kind
    assert reason in finding.reason


def test_nothing_is_given_out_before_all_of_it_was_verified() -> None:
    archive = a_member("export.json", lambda token: flipped(token, -10))()

    with unseal(io.BytesIO(archive), LocalPrivateKey(private_pem())) as stream, pytest.raises(BadFile):
        stream.read(1)


def test_a_file_that_changes_while_it_is_read_is_noticed() -> None:
    key = fernet.new_key()
    source = io.BytesIO(Fernet(key).encrypt(bytes(2 * 2**20)))
    reader = TokenReader(source, 0, len(source.getvalue()), DataKey.read(key))
    assert reader.read(10) == bytes(10)

    source.seek(-100_000, 2)
    source.write(b"AAAA")

    with pytest.raises(BadFile, match="altered"):
        reader.readall()


def test_a_token_with_a_newline_behind_it_is_read() -> None:
    assert opened(a_member("export.json", lambda token: token + b"\r\n")()) == CONTENT


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_a_packed_bomb_is_refused(pack: Callable[[bytes], bytes]) -> None:
    finding = refusal_of(pack(bytes(2 * 2**20)))

    assert finding.kind == FindingKind.TOO_LARGE


def test_headers_that_ask_for_memory_are_refused() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**20
    huge_header = info.tobuf(tarfile.USTAR_FORMAT) + bytes(2**20)
    many = b"".join(tarfile.TarInfo(f"d{n}").tobuf().replace(b"", b"") for n in range(3))
    sparse = tarfile.TarInfo("export.json")
    sparse.type = tarfile.GNUTYPE_SPARSE

    assert "too long" in refusal_of(huge_header).reason
    assert "no part" in refusal_of(many).reason
    assert "kind of file" in refusal_of(sparse.tobuf(tarfile.GNU_FORMAT)).reason


def test_an_archive_of_more_than_8_gib_has_a_header_that_others_read() -> None:
    for size in (8**11 - 1, 8**11, 2**40):
        block = tarball.header("export.json", size)

        assert len(block) == 512
        assert tarfile.TarInfo.frombuf(block, "utf-8", "strict").size == size


def test_an_archive_of_tens_of_gibibytes_is_found_its_way_in(tmp_path: Path) -> None:
    size = 40 * 2**30 + 5
    with (tmp_path / "sparse").open("w+b") as archive:  # nothing of it is on the disk
        archive.write(tarball.header("export.json", size))
        archive.seek(size + -size % 512, 1)
        for name in ("data.key", "key.pub"):
            archive.write(tarball.header(name, 3) + b"abc" + tarball.padding(3))
        archive.write(tarball.end(archive.tell()))
        archive.seek(0)

        found = tarball.members(archive)

        assert found["export.json"].size == size
        assert tarball.read_small(archive, found["key.pub"], 10) == b"abc"
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            assert {info.name: info.size for info in tar} == {"export.json": size, "data.key": 3, "key.pub": 3}


def test_sealing_takes_little_memory_however_much_it_is(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    tracemalloc.start()

    with path.open("wb") as out, seal(out, LocalPublicKey(public_pem())) as stream:
        for _ in range(8):
            stream.write(bytes(2**20))
    with unseal(path, LocalPrivateKey(private_pem())) as stream:
        assert sum(len(piece) for piece in iter(lambda: stream.read(2**20), b"")) == 8 * 2**20

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 2**20


# ---------------------------------------------------------------- keys


def of_another_kind(private: bool) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    if private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def locked() -> bytes:
    return key_pair(0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (lambda: b"hello", "no private key"),
        (public_pem, "public key"),
        (locked, "passphrase"),
        (lambda: of_another_kind(private=True), "no RSA key"),
        (lambda: private_pem().replace(b"M", b"N"), "no private key"),
    ],
    ids=["text", "public", "locked", "another kind", "damaged"],
)
def test_what_is_no_private_key_is_told(pem: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(BadFile, match=reason) as refused:
        LocalPrivateKey(pem())

    assert refused.value.finding.kind == FindingKind.DECRYPTION_ERROR


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (lambda: b"hello", "no public key"),
        (private_pem, "private key"),
        (lambda: of_another_kind(private=False), "no RSA key"),
    ],
    ids=["text", "private", "another kind"],
)
def test_what_is_no_public_key_is_told(pem: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(BadFile, match=reason) as refused:
        LocalPublicKey(pem())

    assert refused.value.finding.kind == FindingKind.ENCRYPTION_ERROR


@pytest.mark.parametrize("text", [b"", b"x", b"!" * 44, base64.urlsafe_b64encode(bytes(31))])
def test_what_is_no_data_key_is_told(text: bytes) -> None:
    with pytest.raises(BadFile, match="data key"):
        DataKey.read(text)


def test_a_token_in_pieces_is_the_token_of_the_whole() -> None:
    key, out = fernet.new_key(), io.BytesIO()
    token = TokenWriter(out, DataKey.read(key))

    for length in (1, 2, 3, 50, 0, 1000):
        token.write(b"x" * length)
    token.finish()

    assert token.size == len(out.getvalue())
    assert Fernet(key).decrypt(out.getvalue()) == b"x" * 1056
