"""The command line: ``clipkit VERB …``."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NoReturn, cast

from clipkit import __version__
from clipkit.errors import ClipkitError, ParamsError
from clipkit.params import PLATFORM_NAMES, PROFILE_NAMES
from clipkit.ui import bench_command, commands
from clipkit.ui.commands import Answer

EXAMPLES = """examples:
  clipkit run talk.mp4                                    clips of a talk, in reports/
  clipkit run talk.mp4 --clips 3 --platform tiktok --platform x --subtitles talk.srt
  clipkit run match.mp4 --profile sports --set selection.max_s=45
  clipkit batch videos/ --workers 2                       all videos of a folder; again: goes on
  clipkit verify reports/talk-1a2b3c4d/clips/1_tiktok.mp4 --platform tiktok
  clipkit dashboard                                       watch and tune in the browser
"""


class _Parser(argparse.ArgumentParser):
    """Mistakes in one sentence, with the nearest option that exists."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments:"):
            unknown = message.split(":", 1)[1].split()[0]
            known = [name for action in self._actions for name in action.option_strings]
            near = difflib.get_close_matches(unknown.split("=")[0], known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            text = f"{self.prog}: there is no option or argument {unknown!r} here.{hint}"
        else:
            text = f"{self.prog}: {message}."
        text += f" See {self.prog} --help"
        raise ParamsError(text, code="params.command_line")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 a mistake of the user's, 1 otherwise."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in arguments
    try:
        asked = _parse(arguments)
        with _stdout_to_stderr() if as_json else nullcontext():
            answer, status = cast(tuple[Answer, int], asked.command(asked))
    except ClipkitError as error:
        return _refuse({"class": type(error).__name__, **error.to_dict()}, error.exit_status, as_json)
    except KeyboardInterrupt:
        message = "stopped by hand. The same command starts it again."
        return _refuse(
            {"class": "ClipkitError", "code": "run.interrupted", "message": message, "retry": "later"}, 1, as_json
        )
    except Exception as error:
        if os.environ.get("CLIPKIT_DEBUG"):
            raise
        text = (str(error).splitlines() or [""])[0]
        message = (
            f"a mistake inside clipkit ({type(error).__name__}: {text}). CLIPKIT_DEBUG=1 shows where; please report it."
        )
        return _refuse({"class": "ClipkitError", "code": "internal", "message": message, "retry": "never"}, 1, as_json)
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return status


def _refuse(error: dict[str, str], status: int, as_json: bool) -> int:
    prefix = "" if error["message"].startswith("clipkit") else "clipkit: "
    sys.stderr.write(f"{prefix}{error['message']}\n")
    if as_json:
        sys.stdout.write(json.dumps({"status": "failed", "error": error}, ensure_ascii=False) + "\n")
    return status


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _build()
    asked, unknown = parser.parse_known_args(arguments)
    if unknown:
        asked.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return asked


def _build() -> _Parser:
    parser = _Parser(
        prog="clipkit",
        description="Long videos in, checked vertical clips out. Everything runs on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"clipkit {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)

    def verb(name: str, command: Callable[[argparse.Namespace], tuple[Answer, int]], summary: str) -> _Parser:
        sub: _Parser = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        sub.set_defaults(command=command, parser=sub)
        sub.add_argument("--json", action="store_true", help="print the result as JSON on stdout, nothing else there")
        return sub

    run = verb("run", commands.run_command, "turn one video into checked clips and a report")
    run.add_argument("video", metavar="VIDEO")
    _add_job_options(run)

    batch = verb("batch", commands.batch_command, "run many videos; the same call again goes on where it stopped")
    batch.add_argument("inputs", metavar="FILE-OR-FOLDER", nargs="+")
    batch.add_argument("--workers", type=int, metavar="N", help="videos at a time (default 1)")
    _add_job_options(batch)

    shots = verb("shots", commands.shots_command, "find cuts, dissolves, fades and wipes")
    shots.add_argument("video", metavar="VIDEO")
    shots.add_argument("--out", metavar="shots.csv", help="write the table there")
    _add_settings(shots)

    analyze = verb("analyze", commands.analyze_command, "write all tables of a video, without rendering")
    analyze.add_argument("video", metavar="VIDEO")
    analyze.add_argument("--out", metavar="DIR", required=True)
    analyze.add_argument("--clips", type=int, metavar="N", help="clips to choose")
    analyze.add_argument("--subtitles", metavar="FILE", help=".srt, .vtt or .ass of the whole video")
    _add_profile(analyze)
    _add_settings(analyze)

    reframe = verb("reframe", commands.reframe_command, "write the crop path of a video or a stretch of it")
    reframe.add_argument("video", metavar="VIDEO")
    reframe.add_argument("--from", dest="start_s", type=float, default=0.0, metavar="S", help="start, seconds")
    reframe.add_argument("--to", dest="end_s", type=float, metavar="S", help="end, seconds")
    reframe.add_argument("--aspect", metavar="W:H", help="9:16 (default), 1:1, 4:5 or 16:9")
    reframe.add_argument("--out", metavar="crop.csv", required=True)
    _add_settings(reframe)

    render = verb("render", commands.render_command, "render a clip list, also one edited by hand")
    render.add_argument("clip_list", metavar="CLIPS.csv")
    render.add_argument("--video", metavar="VIDEO", required=True)
    render.add_argument("--out", metavar="DIR", required=True)
    render.add_argument("--subtitles", metavar="FILE", help=".srt, .vtt or .ass of the whole video")
    _add_platform(render)
    _add_settings(render)

    verify = verb("verify", commands.verify_command, "check a finished file against a platform's limits")
    verify.add_argument("file", metavar="FILE")
    verify.add_argument("--platform", required=True, metavar="NAME", help=", ".join(PLATFORM_NAMES))

    sample = verb("sample", commands.sample_command, "write the built-in sample video with its truth and subtitles")
    sample.add_argument("out", metavar="OUT.mp4")

    bench_command.add_options(verb("bench", bench_command.run, "measure this machine: accuracy and cost beside peers"))

    dashboard = verb(
        "dashboard", commands.dashboard_command, "open the dashboard in the browser (this machine only, with a token)"
    )
    dashboard.add_argument("--port", type=int, metavar="N", help="default 8001")
    dashboard.add_argument("--reports", default="reports", metavar="DIR", help="folder of the runs (default reports)")
    dashboard.add_argument("--no-browser", action="store_true", help="only print the address")
    return parser


def _add_job_options(parser: argparse.ArgumentParser) -> None:
    _add_profile(parser)
    _add_platform(parser)
    parser.add_argument("--clips", type=int, metavar="N", help="clips to make (default 6)")
    parser.add_argument("--subtitles", metavar="FILE", help=".srt, .vtt or .ass; default: one beside or in the video")
    parser.add_argument("--out", default="reports", metavar="DIR", help="where run folders go (default reports)")
    _add_settings(parser)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(("auto", *PROFILE_NAMES))
    parser.add_argument("--profile", default="auto", metavar="NAME", help=f"{names}, one of your own, or a .yaml file")


def _add_platform(parser: argparse.ArgumentParser) -> None:
    text = f"repeat for several: {', '.join(PLATFORM_NAMES)}"
    parser.add_argument("--platform", action="append", default=[], metavar="NAME", help=text)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    text = "any setting of params/default.yaml, such as selection.max_s=45"
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE", help=text)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send what libraries print to stderr, so that stdout holds the answer alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
