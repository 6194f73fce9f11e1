"""The README's table of measurements: ``python -m clipkit.bench.table [RESULTS] [README]``.

What stands between the two marker comments is replaced, everything else stays.  Only a whole run on real footage is
worth a table: after any other the page stays as it is, and a sentence says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from clipkit.bench.bars import bars
from clipkit.bench.results import Results, load_results
from clipkit.errors import ClipkitError, InputError
from clipkit.files import write_text

BEGIN = "<!-- benchmark: written by python -m clipkit.bench.table -->"
END = "<!-- benchmark ends -->"


def render(results: Results) -> str:
    """Return the table as Markdown, with the sentences that say what it was measured on."""
    about = results.about
    seeds = ", ".join(str(seed) for seed in about["seeds"])
    lines = [
        f"Measured on {about['date']} with clipkit {about['clipkit']}, Python {about['python']} on {about['system']}, "
        f"{about['cores']} cores, on real footage (composed with seeds {seeds}, {about['minutes']:g} minutes each).",
        "",
        "| what | bar | measured | holds | beside it |",
        "| --- | --- | --- | --- | --- |",
    ]
    for bar in bars(results):
        cells = (bar.what, bar.limit, bar.measured, "yes" if bar.holds else "**no**", bar.beside)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    notes = [f"- {note}" for note in results.notes]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def replace_between(text: str, new: str) -> str:
    r"""Return a page with what stands between the markers replaced.

    Raises
    ------
    InputError
        ``input.no_markers`` where the page does not have each marker once, in order.

    Examples
    --------
    >>> replace_between(f"a {BEGIN} old {END} z", "new") == f"a {BEGIN}\nnew\n{END} z"
    True
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        message = f"the page needs {BEGIN!r} and, after it, {END!r}, each once. Put them where the table belongs."
        raise InputError(message, code="input.no_markers")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{new}\n{END}{rest.split(END)[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table of a results folder into a page; exit 2 on a mistake in what was given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    folder = Path(given[0] if given else "reports/benchmark")
    page = Path(given[1] if len(given) > 1 else "README.md")
    try:
        results = load_results(folder)
        if not (results.about.get("footage") and results.about.get("whole")):
            sys.stderr.write(f"{page} keeps its table: {folder} is no whole benchmark on real footage.\n")
            return 0
        write_text(page, replace_between(page.read_text(encoding="utf-8"), render(results)))
    except ClipkitError as error:
        sys.stderr.write(f"{page}: {error.message}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
