"""`python -m bench [scene …]`: run the scenes, print one JSON line per result, keep them in bench/results/."""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.scenes import LONG, SCENES
from vedette import __version__

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Exit status 1 when a scene failed; the others are run all the same."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenes", nargs="*", choices=[*SCENES, []], metavar="scene", help=", ".join(SCENES))
    chosen = parser.parse_args().scenes or [name for name in SCENES if name not in LONG]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%dT%H%M%SZ.jsonl", time.gmtime())
    began = time.monotonic()
    failed = 0
    with path.open("w") as file:
        _say(file, {"name": "machine", "vedette": __version__, "python": platform.python_version(), **_machine()})
        for name in chosen:
            try:
                for result in SCENES[name]():
                    _say(file, {"scene": name, **result})
            except Exception as error:  # noqa: BLE001 (one scene that fails must not hide the others)
                failed += 1
                _say(file, {"scene": name, "name": "failed", "error": f"{type(error).__name__}: {error}"[:2000]})
    print(f"{time.monotonic() - began:.0f} s, results in {path.relative_to(Path.cwd())}", file=sys.stderr)
    return 1 if failed else 0


def _say(file, result: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    line = json.dumps(result)
    print(line, flush=True)
    file.write(line + "\n")
    file.flush()


def _machine() -> dict[str, object]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {"cores": os.cpu_count(), "cpu": model, "load_average": round(os.getloadavg()[0], 2)}


if __name__ == "__main__":
    sys.exit(main())
