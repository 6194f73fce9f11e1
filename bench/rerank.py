"""Time how long one hour of video takes to rank anew under another weight, from its tables alone.

Usage: ``python bench/rerank.py [N_CLIPS …]``

The hour is made up: 2,000 spans over 10,000 words, of which one part shows an earlier one
again, so that near-duplicates are met too.  Every figure is the median of 20.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from clipkit.analysis.highlights import score_candidates
from clipkit.analysis.select import select_clips
from clipkit.params import ScoringWeights, SelectionParams

DURATION_S = 3600.0
N_CANDIDATES = 2000
N_WORDS = 10_000
TIMES = 20


def made_up_hour(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    start_s = np.sort(rng.uniform(0.0, DURATION_S - 60.0, N_CANDIDATES)).round(3)
    length_s = rng.uniform(15.0, 60.0, N_CANDIDATES).round(3)
    candidates = pd.DataFrame({"candidate_id": np.arange(N_CANDIDATES), "start_s": start_s})
    candidates["end_s"] = start_s + length_s
    candidates["score"] = 0.0
    for term in ScoringWeights.model_fields:
        candidates[term] = rng.uniform(0.0, 1.0, N_CANDIDATES).round(4)
    candidates["begins"], candidates["ends"] = "on a cut", "on a cut"
    candidates["origin_s"] = np.where(start_s > 3000.0, start_s - 2400.0, start_s)
    vocabulary = np.array([f"word{number}" for number in range(3000)])
    said = vocabulary[np.minimum(rng.zipf(1.15, N_WORDS), 3000) - 1]
    words = pd.DataFrame({"word": said, "start_s": np.linspace(0.0, DURATION_S - 1.0, N_WORDS)})
    words["end_s"] = words["start_s"] + 0.3
    words["sentence"] = np.arange(N_WORDS) // 12
    return candidates, words


def median_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return float(np.median(took) * 1000.0)


def main() -> None:
    candidates, words = made_up_hour(np.random.default_rng(1))
    weights = ScoringWeights(hook=0.4)
    print(f"{'clips':>6}{'score':>10}{'select':>10}{'both':>10}   milliseconds, median of {TIMES}")
    for n_clips in [int(text) for text in sys.argv[1:]] or [6, 20, 100]:
        params = SelectionParams(n_clips=n_clips)
        scored = score_candidates(candidates, weights)
        score_ms = median_ms(lambda: score_candidates(candidates, weights))
        select_ms = median_ms(lambda: select_clips(scored, params, duration_s=DURATION_S, words=words))  # noqa: B023
        print(f"{n_clips:>6}{score_ms:>10.1f}{select_ms:>10.1f}{score_ms + select_ms:>10.1f}")


if __name__ == "__main__":
    main()
