"""`vedette serve`: a light process that prepares the ground and then supervises the two that do the work."""

import logging
import os
import sys

import click

from vedette import __version__
from vedette.core.errors import Misconfigured


@click.command("serve")
@click.option("--bind", metavar="HOST:PORT", help="Listen here instead of VEDETTE_BIND; port 0 takes a free one.")
@click.option("--no-digest", is_flag=True, help="Accept and answer, but leave what is accepted to later.")
@click.option("--no-web", is_flag=True, help="Accept events and answer probes: neither pages nor API.")
def command(bind: str | None, no_digest: bool, no_web: bool) -> int:
    """Run the server of this node until SIGTERM or Ctrl-C."""
    if bind:
        os.environ["VEDETTE_BIND"] = _with_port(bind)  # before the settings are read, here and in the children
    from vedette.cli.supervisor import Supervisor
    from vedette.core import runtime
    from vedette.settings import VEDETTE as settings

    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    _make_directories(settings.data_dir)
    lock = runtime.lock(settings.runtime_file.parent)
    if lock is None:
        other = runtime.read(settings.runtime_file)
        raise Misconfigured(
            f"another server{f' (process {other.pid})' if other else ''} runs on {settings.data_dir}",
            "Stop it, or give this one another VEDETTE_DATA_DIR.",
        )
    try:
        supervisor = Supervisor(
            settings,
            engine_arguments=["--no-digest"] if no_digest else [],
            front_arguments=["--no-web"] if no_web else [],
        )
        return supervisor.run(lambda: _announce(settings.url))
    finally:
        runtime.unlock(lock)


def _announce(url: str) -> None:
    click.echo(f"Vedette {__version__} is ready at {url}")
    sys.stdout.flush()


def _make_directories(data_dir: os.PathLike[str]) -> None:
    try:
        os.makedirs(data_dir, mode=0o700, exist_ok=True)
        os.makedirs(os.path.join(data_dir, "run"), mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the data directory {data_dir} cannot be made: {error.strerror}",
            "Set VEDETTE_DATA_DIR to a writable place.",
        ) from error


def _with_port(bind: str) -> str:
    host, _, port = bind.rpartition(":")
    if port != "0" or not host:
        return bind
    from vedette.cli.addresses import free_port

    return f"{host}:{free_port(host.strip('[]'))}"
