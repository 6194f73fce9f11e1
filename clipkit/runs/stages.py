"""The chain from a video to checked clips, one method a stage.

The notebook, ``clipkit analyze`` and ``clipkit render`` all call these; each stage reads the
tables of the ones before it and saves its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.analysis.features import Frames, measure_frames
from clipkit.analysis.highlights import choose_profile, find_candidates
from clipkit.analysis.reframe import check_files, crop_notes, plan_crop
from clipkit.analysis.select import centre_prior, select_clips
from clipkit.analysis.settle import settle_edges
from clipkit.analysis.shots import detect_transitions
from clipkit.analysis.speech import find_pauses, measure_audio
from clipkit.analysis.transcript import lies_within, likely_spans, plan_stretches, spans_with_context, transcribe
from clipkit.analysis.words import words_from_cues
from clipkit.errors import InputError, RenderError
from clipkit.files import file_digest
from clipkit.media.audio import track_note
from clipkit.media.probe import MediaInfo, require_video
from clipkit.media.speech_model import SpeechModel, find_model, what_is_missing
from clipkit.media.subtitles import Subtitles, find_subtitles
from clipkit.output.conformance import conformance_table
from clipkit.output.exchange import write_timelines
from clipkit.output.lengths import fit_lengths
from clipkit.output.platforms import Platform, load_platforms
from clipkit.output.preflight import preflight, refusals, takers
from clipkit.output.render import RenderedClip, part_of, render_clip
from clipkit.output.verify import verify_file
from clipkit.params import Params
from clipkit.profiles import apply_profile
from clipkit.runs.close import close_run
from clipkit.runs.folder import ENGINE_VARIABLE, RunFolder
from clipkit.runs.shares import stage_share
from clipkit.runs.sidecars import choose_edits, find_sidecars
from clipkit.timeline import Segments

SHORTEST_CLIP_S = 0.5


class ClipRun:
    """One video on its way to clips.

    Parameters
    ----------
    video : path
        The source file.
    folder : RunFolder
        Where tables, clips and the record go.
    params : Params
        Settings; with ``scoring.profile: auto`` the profile is chosen by :meth:`find_candidates`.

    Attributes
    ----------
    info : MediaInfo
    subtitles : Subtitles or None
    model : SpeechModel or None
        What turns speech into words; there is none where there are subtitles.
    heard : ndarray of float64, shape (n_spans, 2), or None
        Where speech was turned into words, when that was not everywhere; clips lie inside.
    frames : Frames
    audio, words, pauses, transitions, candidates, clips, rejected, preflight, crop, verdicts : DataFrame
    rendered : list of RenderedClip
    """

    info: MediaInfo
    subtitles: Subtitles | None = None
    model: SpeechModel | None = None
    heard: Segments | None = None
    frames: Frames
    audio: pd.DataFrame
    words: pd.DataFrame
    pauses: pd.DataFrame
    transitions: pd.DataFrame
    candidates: pd.DataFrame
    clips: pd.DataFrame
    rejected: pd.DataFrame
    preflight: pd.DataFrame
    crop: pd.DataFrame
    verdicts: pd.DataFrame
    rendered: list[RenderedClip]

    def __init__(self, video: str | Path, folder: RunFolder, params: Params) -> None:
        self.video = Path(video)
        self.folder = folder
        self.params = params
        table = load_platforms()
        self.platforms: list[Platform] = [table[name] for name in params.platforms.targets]

    def inspect(self) -> MediaInfo:
        """Open the file and return what is in it."""
        with self.folder.stage("inspect"):
            self.info = require_video(self.video, self.params.security)
            check_files(self.info, self.params.reframe)
            self.subtitles = find_subtitles(self.video, self.params.speech)
            self.model = None if self.subtitles is not None else find_model(self.params.speech)
            self.folder.update(media=self.info.to_dict())
            return self.info

    def measure(self) -> Frames:
        """Decode every frame once and return the frames table with its luma grids."""
        with self.folder.stage("measure"):
            self.frames = measure_frames(
                self.video, self.params, progress=self._share("measure"), scratch=self.folder.path
            )
            if self.frames.duration_s < SHORTEST_CLIP_S:
                message = (
                    f"{self.video.name}: a clip lasts at least {SHORTEST_CLIP_S:g} s, this video has "
                    f"{self.frames.duration_s:.2f} s of picture. Give a longer video."
                )
                raise InputError(message, code="input.too_short")
            if self.frames.note:
                self.folder.note("measure", self.frames.note)
            self.folder.save_table("frames.parquet", self.frames.table)
            return self.frames

    def listen(self) -> pd.DataFrame:
        """Measure the sound, take the words from the subtitles, and return the audio table."""
        with self.folder.stage("listen"):
            duration_s = self.frames.duration_s
            self.audio = measure_audio(self.video, self.params, duration_s=duration_s, progress=self._share("listen"))
            self.pauses = find_pauses(self.audio, self.params.speech)
            if heard := track_note(self.info, self.params.audio.language):
                self.folder.note("listen", heard)
            if self.subtitles is None and self.model is None:
                missing = what_is_missing(self.params.speech)
                text = f"no subtitles were found, and {missing}: no captions are burned in, edges follow pauses."
                self.folder.note("listen", text)
            none = pd.DataFrame(columns=["start_s", "end_s", "text"])
            cues = none if self.subtitles is None else self.subtitles.cues
            words = words_from_cues(cues, self.audio)
            self.words = words[words["start_s"] < duration_s].reset_index(drop=True)
            self.folder.save_table("audio.parquet", self.audio)
            self.folder.save_table("words.parquet", self.words)
            return self.audio

    def find_shots(self) -> pd.DataFrame:
        """Return the transitions table: every cut, dissolve, fade and wipe."""
        with self.folder.stage("shots"):
            self.transitions = detect_transitions(self.frames, self.params.analysis)
            self.folder.save_table("shots.csv", self.transitions)
            self._share("shots")(1.0)
            return self.transitions

    def transcribe(self, spans: Segments | None = None) -> pd.DataFrame:
        """Turn speech into words, if there are no subtitles but a speech model, and return the words table.

        Only speech in and around `spans` is heard: by default where clips may lie, with ``speech.transcribe_all`` all.
        """
        if self.model is None:
            return self.words
        with self.folder.stage("transcribe"):
            duration_s = self.frames.duration_s
            if spans is not None:
                self.heard = spans_with_context(spans, duration_s)
            elif not self.params.speech.transcribe_all:
                self._settle_params()
                self.heard = likely_spans(self._candidates(), self.params.selection.n_clips, duration_s)
            stretches = plan_stretches(self.audio, self.heard)
            self.words, language = transcribe(
                self.video,
                stretches,
                self.audio,
                self.params,
                self.model,
                video_digest=self.folder.record().get("input", {}).get("sha256") or file_digest(self.video),
                progress=self._share("transcribe"),
            )
            heard_s = float((stretches[:, 1] - stretches[:, 0]).sum())
            text = (
                f"no subtitles were found: the speech model {self.model.name} wrote down {len(self.words)} words "
                f"({language or 'no speech'}) in {heard_s:.0f} of {duration_s:.0f} s."
            )
            self.folder.note("transcribe", text)
            self.folder.save_table("words.parquet", self.words)
            return self.words

    def find_candidates(self) -> pd.DataFrame:
        """Choose the profile if asked to, and return every span that could be a clip, scored."""
        with self.folder.stage("candidates"):
            self._settle_params()
            found = self._candidates()
            if self.heard is not None:
                inside = lies_within(found, self.heard, self.frames.duration_s)
                found = found[inside].reset_index(drop=True) if inside.any() else found
            self.candidates = found
            self.folder.save_table("candidates.csv", self.candidates)
            self.folder.update(params=self.params.model_dump(mode="json"))
            self._share("candidates")(1.0)
            return self.candidates

    def choose(self) -> pd.DataFrame:
        """Return the clips table: the best set of spans that do not overlap."""
        with self.folder.stage("choose"):
            self.clips, self.rejected = select_clips(
                self.candidates, self.params.selection, duration_s=self.frames.duration_s, words=self.words
            )
            if self.clips.empty:
                message = f"{self.video.name}: no span of this video can be a clip, {_why_none(self.rejected)}"
                raise InputError(message, code="selection.no_clips")
            missing = self.params.selection.n_clips - len(self.clips)
            if missing > 0:
                self.folder.note("choose", f"{missing} fewer clips than asked for: no more spans fit without overlap.")
            if self.frames.is_decoded is not None:
                self.clips = settle_edges(self.video, self.clips, self.words, self.params)
            prior = centre_prior(
                self.candidates, self.params.selection, duration_s=self.frames.duration_s, words=self.words
            )
            self.folder.update(
                quality={"mean_score": round(float(self.clips["score"].mean()), 4), "centre_prior": prior}
            )
            self.folder.save_table("clips.csv", self.clips)
            self.folder.save_table("rejected.csv", self.rejected)
            self._preflight()
            return self.clips

    def analyze(self) -> pd.DataFrame:
        """Do all stages up to the choice, which need no rendering, and return the clips table."""
        self.inspect()
        self.measure()
        self.listen()
        self.find_shots()
        self.transcribe()
        self.find_candidates()
        return self.choose()

    def render(self, clip_list: Path | None = None) -> list[RenderedClip]:
        """Reframe, caption, level and encode every clip for every platform.

        Captions that a person edited are used, from the folder of clips or else from that of the run `clip_list` is of.
        """
        with self.folder.stage("render"):
            self.rendered = []
            crops = []
            sidecars = find_sidecars(self.folder, clip_list)
            show = self._share("render")
            cuts_s = self.transitions.loc[self.transitions["kind"] == "cut", "begin_s"].tolist()
            fitting = self._preflight()
            rows: list[Any] = [clip for clip in self.clips.itertuples(index=False) if clip.clip_id in fitting]
            if not rows:
                message = f"{self.video.name}: nothing was rendered, {' '.join(refusals(self.preflight))}"
                raise InputError(message, code="selection.no_platform")
            names = [platform.name for platform in self.platforms]
            # All are read before anything is written.
            edits = [choose_edits(clip, names, sidecars) for clip in rows]
            for done, clip in enumerate(rows):
                span = clip.start_s, clip.end_s
                crop = plan_crop(self.video, *span, self.transitions, self.params, info=self.info, audio=self.audio)
                crops.append(crop.assign(clip_id=clip.clip_id))
                made = render_clip(
                    self.video,
                    clip,
                    crop,
                    self.words,
                    self.params,
                    fitting[clip.clip_id],
                    self.folder.clips,
                    info=self.info,
                    cuts_s=cuts_s,
                    edits=edits[done],
                    progress=partial(part_of, show, done, len(rows)),
                )
                self.rendered += made
                sidecars[0].add(made)
                for note in dict.fromkeys(note for file in made for note in file.notes):
                    self.folder.note("render", note)
            self.crop = pd.concat(crops, ignore_index=True)
            self.folder.save_table("crop.csv", self.crop)
            self.folder.save_table("captions.csv", conformance_table(self.rendered, self.params.captions))
            for note in crop_notes(self.crop, self.params.reframe):
                self.folder.note("render", note)
            return self.rendered

    def verify(self) -> pd.DataFrame:
        """Open every finished file, check it against its platform, and return the verdicts."""
        with self.folder.stage("verify"):
            show = self._share("verify")
            tables = []
            for done, clip in enumerate(self.rendered):
                verdicts = verify_file(
                    clip.path,
                    clip.platform,
                    expected_s=clip.duration_s,
                    audio=self.params.audio,
                    caption_box=clip.caption_box,
                )
                tables.append(verdicts.assign(clip_id=clip.clip_id, platform=clip.platform.name, file=clip.path.name))
                show((done + 1) / len(self.rendered))
            self.verdicts = pd.concat(tables, ignore_index=True)
            self.folder.save_table("verdicts.csv", self.verdicts)
            failed = self.verdicts[~self.verdicts["ok"] & (self.verdicts["severity"] == "error")]
            self.folder.update(verdicts_ok=failed.empty)
            if not failed.empty:
                row = failed.iloc[0]
                message = f"{row.file}: {row.check} must be {row.limit}, got {row.value} ({row.note})."
                raise RenderError(message, code="render.verdict_failed")
            return self.verdicts

    def finish(self) -> None:
        """Write the timelines for editors; a run that no engine is executing also gets its report."""
        write_timelines(self.clips, self.video, self.info, self.folder.path)
        if os.environ.get(ENGINE_VARIABLE) != str(self.folder.path):
            close_run(self.folder)

    def _share(self, stage: str) -> Callable[[float], None]:
        begin, share = stage_share(stage, transcribes=self.model is not None)
        return lambda done: self.folder.progress(begin + share * min(1.0, done))

    def _candidates(self) -> pd.DataFrame:
        return find_candidates(
            self.frames.table,
            self.audio,
            self.words,
            self.transitions,
            self.pauses,
            self.params,
            duration_s=self.frames.duration_s,
        )

    def _settle_params(self) -> None:
        """Choose the profile if asked to, and fit the lengths of clips to the platforms."""
        if self.params.scoring.profile == "auto":
            name, why = choose_profile(self.frames.table, self.audio, self.words, self.transitions)
            self.params = apply_profile(self.params, name)
            self.folder.note("candidates", f"profile {name} was chosen: {why}")
        self.folder.update(profile=self.params.scoring.profile)
        selection, notes = fit_lengths(self.params.selection, self.platforms, self.frames.duration_s)
        self.params = self.params.model_copy(update={"selection": selection})
        for note in notes:
            self.folder.note("candidates", note)

    def _preflight(self) -> dict[int, list[Platform]]:
        """Say which platform will refuse which clip, and return the platforms that take each."""
        self.preflight = preflight(self.clips, self.platforms, self.params.reframe.aspect)
        self.folder.save_table("preflight.csv", self.preflight)
        for sentence in refusals(self.preflight):
            self.folder.note("preflight", sentence)
        return takers(self.preflight, self.platforms)


def _why_none(rejected: pd.DataFrame) -> str:
    if rejected.empty:
        return "because nothing in it is long enough."
    counts = rejected["rule"].value_counts()
    return "because of these rules: " + ", ".join(f"{rule} ({n})" for rule, n in counts.items()) + "."
