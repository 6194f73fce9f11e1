"""``clipkit bench`` on the command line."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb its options."""
    parser.add_argument(
        "parts",
        metavar="PART",
        nargs="*",
        help="shots, variants, real, speed, memory, start, rerank, talk, crop, kernels",
    )
    parser.add_argument(
        "--media", metavar="DIR", help="real footage with labels (default ../shared/media beside the project)"
    )
    parser.add_argument("--work", metavar="DIR", help="composed videos, used again when there (default work in --out)")
    parser.add_argument("--out", default="reports/benchmark", metavar="DIR", help="results (default reports/benchmark)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=(), metavar="N", help="of the composed videos (default 1 2 3)"
    )
    parser.add_argument("--quick", action="store_true", help="two or three minutes in place of 20")
    parser.add_argument("--long", action="store_true", help="also a video of two hours")
    parser.add_argument(
        "--tvsum", metavar="DIR", help="rated videos: a label file, and the videos where they are there"
    )


def run(args: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Measure this machine and print where the bars stand."""
    from clipkit.bench.bars import bars_table
    from clipkit.bench.run import ABOUT
    from clipkit.bench.verb import bench
    from clipkit.bench.views import one_item
    from clipkit.ui.terminal import print_table, progress_bar

    if not (args.parts or args.tvsum):
        sys.stderr.write(f"This takes {ABOUT['quick' if args.quick else 'full']}.\n")
    with progress_bar("bench") as progress:
        results = bench(
            args.parts,
            media=args.media,
            work=args.work,
            out=args.out,
            seeds=args.seeds,
            is_quick=args.quick,
            is_long=args.long,
            tvsum=args.tvsum,
            progress=progress,
        )
    table = bars_table(results)
    rated = one_item(results, "rated").reset_index()
    if not args.json:
        print_table(table)
        if not rated.empty:
            print_table(rated)
        for note in results.notes:
            sys.stdout.write(f"note     {note}\n")
        sys.stdout.write(f"results  {args.out}\n")
    answer = {
        "status": "done",
        "out": args.out,
        "bars": json.loads(table.to_json(orient="records")),
        "rated": json.loads(rated.to_json(orient="records")),
        "notes": results.notes,
        "figures": len(results.rows),
    }
    return answer, 0
