"""The settings of a run: one frozen pydantic model per stage.

Type, bounds, unit, description and default of every setting live here and nowhere else.
``params/default.yaml`` is written from these classes, and profiles, notebook parameter cells,
``--set`` and the dashboard's controls are checked against them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from clipkit.themes import THEMES

PLATFORM_NAMES = (
    "tiktok",
    "youtube_shorts",
    "instagram_reels",
    "facebook_reels",
    "linkedin",
    "x",
    "snapchat_spotlight",
)
PROFILE_NAMES = ("talk", "sports", "gaming", "vlog", "music")

PlatformName = Literal[
    "tiktok", "youtube_shorts", "instagram_reels", "facebook_reels", "linkedin", "x", "snapchat_spotlight"
]
ProfileName = Literal["auto", "talk", "sports", "gaming", "vlog", "music"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
# Terms of the score that speak against a clip: 0 is none of it, and their weights are taken off.
PENALTIES = ("silence", "mid_sentence", "repetition", "poor_picture", "intro_outro")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class SourceParams(_Section):
    """How the file is read."""

    reader: Literal["pyav", "decord"] = Field(
        "pyav", description="decoder for single frames: pyav, or decord for H.264, HEVC and VP9 in MP4 or MKV"
    )
    loop_filter: Literal["full", "skip"] = Field(
        "full", description="skip: measure frames with their coding blocks left unsmoothed, cheaper; clips never are"
    )

    scan: Literal["full", "fast", "auto"] = Field(
        "full",
        description="fast: measure only stretches in which packets and key frames show that something changes; auto: "
        "fast where that is less than half of the video",
    )

    @model_validator(mode="after")
    def _reader_can_skip(self) -> SourceParams:
        if self.loop_filter == "skip" and self.reader == "decord":
            message = "source.loop_filter must be full with source.reader decord, got skip. Use source.reader pyav"
            raise ValueError(message)
        if self.scan != "full" and self.reader == "decord":
            message = f"source.scan must be full with source.reader decord, got {self.scan}. Use source.reader pyav"
            raise ValueError(message)
        return self


class AnalysisParams(_Section):
    """Shots: where one picture gives way to the next."""

    cut_min_difference: float = Field(
        1.2, ge=0.0, le=255.0, description="smallest motion-tolerant luma difference of a cut, in levels"
    )
    cut_window_s: float = Field(0.12, gt=0.0, le=2.0, description="frames this near are the ones around it, seconds")
    black_level: int = Field(24, ge=0, le=128, description="luma at or below this is black")
    white_level: int = Field(228, ge=128, le=255, description="luma at or above this is white")
    fade_max_rest: float = Field(
        0.33,
        gt=0.0,
        lt=1.0,
        description="a fade leaves at most this share of the distance from black or white",
    )
    blend_min_change: float = Field(
        8.0,
        ge=1.0,
        le=255.0,
        description="smallest change over a dissolve or wipe beyond that around it, root mean square, in levels",
    )
    min_score: float = Field(
        0.5, ge=0.01, le=0.99, description="transitions of a lower score are left out; lower finds more and errs more"
    )


class SpeechParams(_Section):
    """Speech, pauses and words."""

    subtitles: str | None = Field(
        None, description="subtitle file (.srt, .vtt, .ass); none: a sidecar or embedded stream"
    )
    transcribe: str = Field(
        "auto",
        min_length=1,
        description="words where there are no subtitles: auto (if a model is found), off, or a faster-whisper model",
    )
    transcribe_all: bool = Field(False, description="transcribe all speech, not only where clips may lie")
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}$", description="language to transcribe (en, de, ...); none: detected"
    )
    pause_min_s: float = Field(0.25, ge=0.05, le=5.0, description="shortest silence that counts as a pause, seconds")
    speech_min_s: float = Field(0.12, ge=0.02, le=5.0, description="shortest stretch of speech, seconds")
    threshold: Share = Field(0.5, description="speech is where its chance exceeds this")
    release: Share = Field(0.3, description="and as far to both sides as its chance exceeds this")

    @field_validator("transcribe", "language", mode="before")
    @classmethod
    def _words_that_yaml_takes_for_false(cls, value: object, info: ValidationInfo) -> object:
        return ("off" if info.field_name == "transcribe" else "no") if value is False else value


class ScoringWeights(_Section):
    """How much each term counts; a profile lists only what differs."""

    hook: float = Field(0.30, ge=0.0, le=1.0, description="the first seconds: speech at once, energy, a question")
    body: float = Field(0.20, ge=0.0, le=1.0, description="the best third of the middle: sound, movement, change")
    payoff: float = Field(0.12, ge=0.0, le=1.0, description="energy and reaction in the last fifth")
    completeness: float = Field(0.20, ge=0.0, le=1.0, description="starts and ends on whole sentences, pauses or cuts")
    energy: float = Field(0.10, ge=0.0, le=1.0, description="loudness against the rest of the video")
    dynamics: float = Field(0.05, ge=0.0, le=1.0, description="change of loudness inside the clip")
    speech: float = Field(0.10, ge=0.0, le=1.0, description="share of the clip in which somebody speaks")
    delivery: float = Field(0.08, ge=0.0, le=1.0, description="a lively voice: range of its pitch, rate of speech")
    reaction: float = Field(0.05, ge=0.0, le=1.0, description="laughter and applause in the clip")
    text: float = Field(0.05, ge=0.0, le=1.0, description="words that hold attention: questions, numbers, contrasts")
    motion: float = Field(0.05, ge=0.0, le=1.0, description="movement in the picture")
    pace: float = Field(0.05, ge=0.0, le=1.0, description="cuts a minute")
    novelty: float = Field(0.05, ge=0.0, le=1.0, description="picture and sound unlike the rest of the video")
    length: float = Field(0.10, ge=0.0, le=1.0, description="nearness to the ideal length")
    position: float = Field(0.05, ge=0.0, le=1.0, description="nearness to the middle of the video")
    silence: float = Field(0.10, ge=0.0, le=1.0, description="taken off for the share in which nothing is heard")
    mid_sentence: float = Field(0.60, ge=0.0, le=1.0, description="taken off for an edge that breaks into speech")
    repetition: float = Field(0.25, ge=0.0, le=1.0, description="taken off for the share that was shown before")
    poor_picture: float = Field(0.15, ge=0.0, le=1.0, description="taken off for a dark, blurred or frozen picture")
    intro_outro: float = Field(0.10, ge=0.0, le=1.0, description="taken off in the video's first and last twentieth")


class ScoringParams(_Section):
    """What makes a moment worth posting."""

    profile: ProfileName = Field("auto", description="kind of video; auto chooses by speech, music, cuts and motion")
    hook_s: float = Field(3.0, ge=0.5, le=15.0, description="length of the opening that must catch, seconds")
    weights: ScoringWeights = Field(default_factory=ScoringWeights, description="share of each term in the score")


class SelectionParams(_Section):
    """How many clips, how long, and where they may begin and end."""

    n_clips: int = Field(6, ge=1, le=100, description="clips asked for")
    min_s: float = Field(15.0, ge=0.5, le=900.0, description="shortest clip, seconds")
    max_s: float = Field(60.0, ge=1.0, le=1800.0, description="longest clip, seconds; platform limits also hold")
    ideal_s: float = Field(32.0, ge=1.0, le=1800.0, description="length that scores best, seconds")
    gap_s: float = Field(1.0, ge=0.0, le=600.0, description="smallest time between two clips, seconds")
    lead_s: float = Field(0.12, ge=0.0, le=2.0, description="kept before the first word, seconds")
    tail_s: float = Field(0.30, ge=0.0, le=3.0, description="kept after the last word, seconds")
    quality_bar: Share = Field(0.5, description="clips that score less are marked as below your bar")

    @model_validator(mode="after")
    def _limits_in_order(self) -> SelectionParams:
        if self.min_s > self.max_s:
            message = f"selection.min_s must be at most selection.max_s ({self.max_s:g}), got {self.min_s:g}"
            raise ValueError(message)
        return self


class ReframeParams(_Section):
    """Where the crop window stands."""

    aspect: Literal["9:16", "1:1", "4:5", "16:9"] = Field("9:16", description="width to height of the clips")
    rate_hz: float = Field(5.0, ge=1.0, le=30.0, description="how often the subject is looked for, per second")
    lock: str | None = Field(
        None,
        pattern=r"^(left|centre|right|(100|[0-9]{1,2})(\.[0-9]+)?%)$",
        description="keep the window at left, centre, right or a place across the frame such as 30%; none: follow "
        "the subject",
    )
    keyframes: str | None = Field(
        None,
        min_length=1,
        description="CSV file of places for the window, time_s and x (its middle, 0 to 1) or rows of a crop.csv: they "
        "rule the shots in which they lie",
    )
    faces: bool = Field(True, description="look for faces")
    detector: str | None = Field(
        None,
        min_length=1,
        description="ONNX file that looks for them better: YuNet, or a YOLO (v8 or later) that knows people; none: "
        "Haar cascades",
    )
    screens: bool = Field(True, description="show slides and screen recordings as wide as their text")
    split: bool = Field(True, description="show two people who are far apart one above the other")
    pad: bool = Field(True, description="show a group that no window holds as wide as it is")
    bed: Literal["blur", "plain"] = Field(
        "blur", description="what fills the frame above and below a picture that is wider than it: itself, or black"
    )
    evidence_min: Share = Field(0.15, description="weaker evidence of a subject keeps the centre crop")
    static_range: Share = Field(
        0.10, description="a subject that moves less, as a share of the width, gets a still camera"
    )
    max_speed: float = Field(
        0.7, ge=0.05, le=5.0, description="fastest move of the window, frame widths (or heights) a second"
    )


class CaptionParams(_Section):
    """Captions burned into the picture."""

    burn: bool = Field(True, description="burn captions in when there are words")
    theme: Literal["bold", "clean", "boxed", "loud"] = Field(
        "bold", description="a look: it sets what of the following is not set beside it"
    )
    words_per_page: int = Field(4, ge=1, le=12, description="most words shown at once")
    line_length: int = Field(20, ge=8, le=42, description="most characters a line")
    font_size: int = Field(72, ge=24, le=160, description="height of the letters, pixels of a 1080 wide picture")
    colour: str = Field("#FFFFFF", pattern=r"^#[0-9A-Fa-f]{6}$", description="colour of the letters")
    highlight: str = Field("#FFD400", pattern=r"^#[0-9A-Fa-f]{6}$", description="colour of the word being said")
    outline: float = Field(5.0, ge=0.0, le=20.0, description="width of the dark outline, pixels")
    uppercase: bool = Field(False, description="capital letters only")
    box: Literal["auto", "always", "never"] = Field(
        "auto", description="a box behind the letters; auto: where the picture would make them hard to read"
    )
    max_page_s: float = Field(4.0, ge=0.5, le=10.0, description="longest time one page stays, seconds")
    pause_s: float = Field(0.3, ge=0.0, le=5.0, description="a pause longer than this starts a new page, seconds")
    hold_s: float = Field(0.5, ge=0.0, le=3.0, description="a page stays this long after its last word, seconds")
    font: str | None = Field(None, description="font file (.ttf or .otf) to use first; none: the one that came along")

    @model_validator(mode="before")
    @classmethod
    def _wear_theme(cls, given: Any) -> Any:
        name = given.get("theme") if isinstance(given, dict) else None
        return {**THEMES[name], **given} if isinstance(name, str) and name in THEMES else given


class AudioParams(_Section):
    """Which sound is heard, and how loud the finished clips are."""

    language: str | None = Field(
        None,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$",
        description="sound track to use where a file has several, such as de or eng; none: the one marked as default",
    )

    target_lufs: float | None = Field(
        None, ge=-40.0, le=-5.0, description="integrated loudness, LUFS; none: what each platform asks, mostly -14"
    )
    peak_dbtp: float = Field(-1.0, ge=-12.0, le=0.0, description="highest true peak after encoding, dBTP")
    max_gain_db: float = Field(30.0, ge=0.0, le=60.0, description="most gain given to quiet sound, dB")
    fade_s: float = Field(0.008, ge=0.0, le=1.0, description="fade at both edges against clicks, seconds")


class RenderParams(_Section):
    """Encoding."""

    crf: int = Field(20, ge=1, le=40, description="x264 quality, lower is better")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = Field(
        "veryfast", description="x264 effort"
    )
    edit_list: bool = Field(
        True,
        description="keep the MP4 edit list; false: none, as YouTube and Instagram ask, and no B-frames, so that sound "
        "stays in step",
    )
    cover_title: bool = Field(False, description="write the clip's title, as in clips.csv, on its cover")
    max_frame_rate: int = Field(60, ge=24, le=60, description="higher source rates are halved to fit, frames/second")
    encoder_threads: int = Field(2, ge=1, le=64, description="x264 threads; the files' bytes depend on it")


class PlatformParams(_Section):
    """Where the clips are going."""

    targets: tuple[PlatformName, ...] = Field(
        ("tiktok", "youtube_shorts", "instagram_reels"), min_length=1, description="platforms to write files for"
    )


class CacheParams(_Section):
    """Nothing to set yet."""


class BatchParams(_Section):
    """Many videos."""

    workers: int = Field(1, ge=1, le=64, description="videos at a time")
    timeout_s: float = Field(14400.0, ge=1.0, le=604800.0, description="longest time one video may take, seconds")


class ResourceParams(_Section):
    """What the machine gives."""

    threads: int = Field(0, ge=0, le=256, description="threads for decoding and kernels; 0: all cores")
    min_free_gb: float = Field(0.5, ge=0.0, le=10000.0, description="free disk a run needs before it starts, GB")


class OptimizeParams(_Section):
    """Nothing to set yet."""


class MonitorParams(_Section):
    """Live figures of the machine."""

    interval_s: float = Field(1.0, ge=0.5, le=60.0, description="time between two readings, seconds")


class AlertParams(_Section):
    """Nothing to set yet."""


class ServiceParams(_Section):
    """Local servers."""

    dashboard_port: int = Field(8001, ge=1, le=65535, description="port of the dashboard")


class SecurityParams(_Section):
    """What a file may be before any decoder sees it."""

    max_pixels: int = Field(8192 * 8192, ge=1, description="largest picture, pixels")
    max_streams: int = Field(64, ge=1, le=1000, description="most streams in a file")
    max_duration_s: float = Field(12 * 3600.0, gt=0.0, description="longest video, seconds")


class Params(_Section):
    """Every setting of a run, one section per stage."""

    source: SourceParams = SourceParams()
    analysis: AnalysisParams = AnalysisParams()
    speech: SpeechParams = SpeechParams()
    scoring: ScoringParams = ScoringParams()
    selection: SelectionParams = SelectionParams()
    reframe: ReframeParams = ReframeParams()
    captions: CaptionParams = CaptionParams()
    audio: AudioParams = AudioParams()
    render: RenderParams = RenderParams()
    platforms: PlatformParams = PlatformParams()
    cache: CacheParams = CacheParams()
    batch: BatchParams = BatchParams()
    resources: ResourceParams = ResourceParams()
    optimize: OptimizeParams = OptimizeParams()
    monitor: MonitorParams = MonitorParams()
    alerts: AlertParams = AlertParams()
    services: ServiceParams = ServiceParams()
    security: SecurityParams = SecurityParams()


# How fast and where a run is made does not change what it makes.
_OUTSIDE_RESULTS = ("cache", "batch", "resources", "optimize", "monitor", "alerts", "services")


def params_digest(params: Params) -> str:
    """Return the sha256 of the settings that can change a result, as 64 hex digits.

    Examples
    --------
    >>> params_digest(Params()) == params_digest(Params.model_validate({"batch": {"workers": 4}}))
    True
    """
    kept = params.model_dump(mode="json", exclude=set(_OUTSIDE_RESULTS))
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
