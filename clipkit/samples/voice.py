"""Speech-like sound: voiced syllables with formants, fricatives, pauses, an applause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

RATE_HZ = 48_000

# First three formants of five vowels in Hz (Peterson & Barney 1952, adult averages, rounded).
_FORMANTS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}


@dataclass(frozen=True)
class Word:
    """A word of the script and when it is said, seconds."""

    text: str
    start_s: float
    end_s: float


def say(text: str, start_s: float, rng: np.random.Generator) -> tuple[list[Word], NDArray[np.float64]]:
    """Return the words of a sentence with their times, and its sound at 48 kHz, mono, full scale 1."""
    words: list[Word] = []
    clock_s = start_s
    parts: list[NDArray[np.float64]] = []
    tokens = text.split()
    question = text.endswith("?")
    for position, token in enumerate(tokens):
        begin_s = clock_s
        for syllable in range(max(1, sum(letter in "aeiouy" for letter in token.lower()) - 1)):
            length_s = 0.165 + 0.05 * rng.random() + (0.06 if position == len(tokens) - 1 else 0.0)
            drop = position / len(tokens) * (-0.15 if question else 0.25)
            vowel = "aeiou"[(len(token) + syllable + int(rng.integers(3))) % 5]
            parts.append(_syllable(vowel, length_s, 128 * (1.1 - drop), token[0].lower() in "sfhtc", rng))
            clock_s += len(parts[-1]) / RATE_HZ
        words.append(Word(token, begin_s, clock_s))
        gap_s = 0.22 if token[-1] in ",:" else 0.06
        parts.append(np.zeros(round(gap_s * RATE_HZ)))
        clock_s += len(parts[-1]) / RATE_HZ
    return words, np.concatenate(parts)


def _syllable(
    vowel: str, length_s: float, pitch_hz: float, fricative: bool, rng: np.random.Generator
) -> NDArray[np.float64]:
    n = round(length_s * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.03 * np.sin(2 * np.pi * 5 * t))) / RATE_HZ
    voice: NDArray[np.float64] = np.maximum(0.0, np.sin(phase)) ** 6 + 0.01 * rng.standard_normal(n)
    for formant_hz, bandwidth_hz in zip(_FORMANTS[vowel], (90, 110, 170), strict=True):
        radius = np.exp(-np.pi * bandwidth_hz / RATE_HZ)
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * formant_hz / RATE_HZ), radius**2]
        resonance = np.asarray(scipy.signal.lfilter([1.0], poles, voice)) * (1 - radius)
        voice = 0.35 * voice / np.abs(voice).max() + resonance
    voice *= np.sin(np.pi * np.clip(t / length_s, 0, 1)) ** 0.6
    voice *= 0.30 / np.abs(voice).max()
    if fricative:
        head = n // 4
        hiss = np.diff(rng.standard_normal(head + 1)) * np.hanning(head)
        voice[:head] = 0.5 * voice[:head] + 0.05 * hiss
    return voice


def applause(length_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return many hands clapping at random, rising fast and dying away, at 48 kHz."""
    n = round(length_s * RATE_HZ)
    sound = np.zeros(n)
    clap = rng.standard_normal(960) * np.exp(-np.arange(960) / 160)
    for at in np.sort(rng.integers(0, n - 960, size=400)):
        sound[at : at + 960] += (0.3 + 0.7 * rng.random()) * clap
    rise = np.minimum(1.0, np.arange(n) / (0.25 * RATE_HZ))
    fall = np.minimum(1.0, np.arange(n)[::-1] / (1.0 * RATE_HZ))
    return 0.06 * sound * rise * fall
