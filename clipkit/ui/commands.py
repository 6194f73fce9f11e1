"""What each verb of the command line does: its arguments handed on, its answer printed.

Conventions
-----------
A command returns its answer for ``--json`` and its exit status.  What it needs is imported when it runs, so that
``clipkit --help`` is there at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from clipkit.errors import ParamsError
from clipkit.timeline import format_timecode

Answer = dict[str, Any]


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    from clipkit.profiles import parse_settings

    return {
        "profile": getattr(args, "profile", "auto"),
        "platforms": tuple(getattr(args, "platform", ())),
        "n_clips": getattr(args, "clips", None),
        "subtitles": getattr(args, "subtitles", None),
        "settings": parse_settings(args.settings),
    }


def run_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Turn one video into clips."""
    from clipkit.runs.folder import RunFolder
    from clipkit.runs.run import run
    from clipkit.runs.verbs import foresee
    from clipkit.ui.terminal import print_notes, print_table, progress_bar

    asked = _asked(args)
    print_notes(foresee(**asked))
    with progress_bar(Path(args.video).name) as progress:
        record = run(args.video, out=args.out, progress=progress, **asked)
    if not args.json:
        folder = RunFolder(record["run_dir"])
        clips = folder.load_table("clips.csv")
        clips["from"] = clips["start_s"].map(format_timecode)
        clips["to"] = clips["end_s"].map(format_timecode)
        print_table(clips, ["clip_id", "from", "to", "score", "title", "reason"])
        if record["resumed"]:
            sys.stdout.write("Already done, nothing was run again.\n")
        for line in [note["message"] for note in record.get("notes", [])]:
            sys.stdout.write(f"note     {line}\n")
        sys.stdout.write(f"clips    {folder.clips}\nreport   {folder.path / 'report.html'}\n")
    return record, 0


def batch_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Run many videos."""
    from clipkit.profiles import make_params
    from clipkit.runs.batch import find_videos, run_batch
    from clipkit.ui.terminal import batch_lines, print_batch

    params = make_params(**_asked(args))
    if args.workers is not None and args.workers < 1:
        message = f"clipkit batch: --workers must be at least 1, got {args.workers}."
        raise ParamsError(message, code="params.out_of_range")
    videos = find_videos(args.inputs)
    options = ["--profile", args.profile]
    for name in args.platform:
        options += ["--platform", name]
    for setting in args.settings:
        options += ["--set", setting]
    if args.clips is not None:
        options += ["--clips", str(args.clips)]
    if args.subtitles:
        options += ["--subtitles", args.subtitles]
    with batch_lines([path.name for path in videos]) as watch:
        items = run_batch(
            videos,
            out=args.out,
            workers=args.workers or params.batch.workers,
            timeout_s=params.batch.timeout_s,
            options=options,
            watch=watch,
        )
    print_batch(items)
    failed = sum(item.state == "failed" for item in items)
    answer = {"status": "failed" if failed else "done", "failed": failed, "videos": [i.to_dict() for i in items]}
    return answer, 1 if failed else 0


def shots_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Find the transitions of a video."""
    from clipkit.runs.verbs import shots
    from clipkit.ui.terminal import print_table, progress_bar

    with progress_bar(Path(args.video).name) as progress:
        table = shots(args.video, out=args.out, progress=progress, settings=_asked(args)["settings"])
    if not args.json and not args.out:
        print_table(table)
    return {"status": "done", "transitions": json.loads(table.to_json(orient="records"))}, 0


def analyze_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Write all tables of a video."""
    from clipkit.output.preflight import refusals
    from clipkit.runs.folder import load_table
    from clipkit.runs.verbs import analyze
    from clipkit.ui.terminal import print_notes, progress_bar

    with progress_bar(Path(args.video).name) as progress:
        folder = analyze(args.video, out=args.out, progress=progress, **_asked(args))
    print_notes(refusals(load_table(folder / "preflight.csv")))
    tables = sorted(path.name for path in folder.iterdir() if path.suffix in (".csv", ".parquet"))
    if not args.json:
        sys.stdout.write(f"{len(tables)} tables in {folder}: {', '.join(tables)}\n")
    return {"status": "done", "out": str(folder), "tables": tables}, 0


def reframe_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Write the crop path of a video."""
    from clipkit.runs.verbs import reframe
    from clipkit.ui.terminal import progress_bar

    with progress_bar(Path(args.video).name) as progress:
        table = reframe(
            args.video,
            start_s=args.start_s,
            end_s=args.end_s,
            aspect=args.aspect,
            out=args.out,
            progress=progress,
            settings=_asked(args)["settings"],
        )
    if not args.json:
        shares = table["layout"].value_counts(normalize=True, sort=True)
        layouts = ", ".join(f"{layout} {share:.0%}" for layout, share in shares.items())
        sys.stdout.write(f"{len(table)} rows in {args.out}: {layouts}\n")
    return {"status": "done", "out": args.out, "n_frames": len(table)}, 0


def render_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Render a clip list."""
    from clipkit.runs.verbs import foresee, render
    from clipkit.ui.terminal import print_notes, progress_bar

    asked = _asked(args)
    foreseen = foresee(args.clip_list, **asked)
    print_notes(foreseen)
    notes: list[str] = []
    with progress_bar(Path(args.video).name) as progress:
        verdicts = render(args.clip_list, video=args.video, out=args.out, progress=progress, say=notes.append, **asked)
    print_notes([note for note in dict.fromkeys(notes) if note not in foreseen])
    files = list(dict.fromkeys(verdicts["file"]))
    if not args.json:
        sys.stdout.write(f"{len(files)} files in {args.out}, all checked\n")
    return {"status": "done", "out": args.out, "files": files, "notes": [*dict.fromkeys([*foreseen, *notes])]}, 0


def verify_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Check a finished file."""
    from clipkit.runs.verbs import verify
    from clipkit.ui.terminal import print_table

    table = verify(args.file, platform_name=args.platform)
    failed = int((~table["ok"] & (table["severity"] == "error")).sum())
    if not args.json:
        print_table(table)
        sys.stdout.write(f"{args.file}: {f'{failed} checks failed' if failed else 'fit for ' + args.platform}\n")
    rows = json.loads(table.to_json(orient="records"))
    return {"status": "failed" if failed else "done", "verdicts": rows}, 1 if failed else 0


def sample_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Write the sample video."""
    from clipkit.runs.verbs import sample
    from clipkit.ui.terminal import progress_bar

    with progress_bar(Path(args.out).name) as progress:
        path = sample(args.out, progress=progress)
    if not args.json:
        sys.stdout.write(f"{path}\n{path.with_suffix('.srt')}\n{path.with_suffix('.truth.json')}\n")
    return {"status": "done", "video": str(path)}, 0


def dashboard_command(args: argparse.Namespace) -> tuple[Answer, int]:
    """Serve the dashboard until it is stopped."""
    from clipkit.params import Params
    from clipkit.ui.server import serve

    port = args.port if args.port is not None else Params().services.dashboard_port
    serve(Path(args.reports), port=port, open_browser=not args.no_browser)
    return {"status": "done"}, 0
