"""The built-in sample knows its own truth."""

from __future__ import annotations

import numpy as np
import pytest

from clipkit.samples import FRAME_RATE, RATE_HZ, make_sample


@pytest.fixture(scope="module")
def sample():
    return make_sample(height=90)


def test_sample_is_about_ninety_seconds_of_scenes_that_tile_it(sample):
    begins = [scene.begin for scene in sample.scenes]
    ends = [scene.end for scene in sample.scenes]

    assert 80 <= sample.duration_s <= 100
    assert begins == [0, *ends[:-1]]
    assert ends[-1] == sample.n_frames
    assert {scene.joined_by for scene in sample.scenes[1:]} == {"cut", "dissolve", "fade"}


def test_sample_is_the_same_every_time():
    first, second = make_sample(height=90, n_sentences=2), make_sample(height=90, n_sentences=2)

    np.testing.assert_array_equal(first.samples, second.samples)
    for one, other in zip(first.frames(), second.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_words_are_loud_and_pauses_quiet(sample):
    def rms(start_s, end_s):
        return np.sqrt(np.mean(sample.samples[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)] ** 2))

    words = [word for sentence in sample.sentences for word in sentence.words]
    pauses = [(a.end_s, b.start_s) for a, b in zip(sample.sentences[:8], sample.sentences[1:9], strict=True)]

    assert min(rms(w.start_s, w.end_s) for w in words) > 10 * max(rms(start_s, end_s) for start_s, end_s in pauses)
    assert np.abs(sample.samples).max() < 1


def test_frames_change_most_where_the_truth_has_a_cut(sample):
    cuts = [t["begin"] for t in sample.truth()["transitions"] if t["kind"] == "cut"]
    frames = np.stack([frame[::3, ::3].astype(np.int16) for frame in sample.frames()])
    change = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))

    assert len(frames) == sample.n_frames
    assert sorted(np.argsort(change)[-len(cuts) :] + 1) == cuts


def test_subject_box_holds_the_coloured_speaker(sample):
    frame_index = sample.scenes[0].begin + FRAME_RATE
    frame = next(f for i, f in enumerate(sample.frames()) if i == frame_index)
    x, y, width, height = sample.subject_box(frame_index)
    row = round((y + 0.9 * height) * sample.height)
    coat = np.abs(frame[row].astype(int) - (244, 162, 97)).sum(axis=1) < 30
    columns = np.flatnonzero(coat) / sample.width

    assert x <= columns.min()
    assert columns.max() <= x + width


def test_subtitles_say_the_script(sample):
    text = sample.srt()

    assert text.startswith("1\n00:00:00,800 --> ")
    assert all(sentence.text in text for sentence in sample.sentences)
