"""One pass over the source into all the files of a clip, and what must be known before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from clipkit.errors import RenderError
from clipkit.media.frames import Frame, VideoReader
from clipkit.media.probe import MediaInfo, VideoInfo
from clipkit.media.writer import AAC_PRIMING, FrameEncoder
from clipkit.output.backdrop import Backdrop
from clipkit.output.captions import caption_height
from clipkit.output.contrast import LEAST_CONTRAST, may_get_box
from clipkit.output.cover import CoverChooser
from clipkit.output.facts import measure_file
from clipkit.output.framing import Framer
from clipkit.output.plan import ClipPlan
from clipkit.output.platforms import Encode, safe_box
from clipkit.output.scaler import Picture
from clipkit.output.sound import RATE_HZ, Sound, read_sound, write_sound
from clipkit.output.subtitling import CAPTION_SIDE, Captions, put_box
from clipkit.params import Params


@dataclass(frozen=True)
class Target:
    """One encoding on its way: where its file is written and the sound that goes into it."""

    encode: Encode
    path: Path
    sound: Sound


def write_sounds(info: MediaInfo, plan: ClipPlan, params: Params, work: Path) -> list[Target]:
    """Write the sound of every encoding, each kind of sound once."""
    # Without an edit list the samples that the encoder puts first are played, so as many of the clip's are left out.
    lost_s = 0.0 if params.render.edit_list else AAC_PRIMING / RATE_HZ
    samples = read_sound(info, plan.start_s + lost_s, plan.duration_s - lost_s, params.audio, params.security)
    sounds: dict[tuple[float, int], Sound] = {}
    for encode in plan.encodes:
        key = encode.target_lufs, encode.audio_bitrate
        if key not in sounds:
            path = work / f"{len(sounds)}.m4a"
            sounds[key] = write_sound(samples, path, params.audio, target_lufs=key[0], bitrate=key[1])
    return [
        Target(encode, work / f"{number}.mp4", sounds[encode.target_lufs, encode.audio_bitrate])
        for number, encode in enumerate(plan.encodes)
    ]


def boxed(reader: VideoReader, plan: ClipPlan, captions: Captions, params: Params) -> Captions:
    """Return captions with a box where their look alone does not set them off from the picture, which is then read."""
    settings = params.captions
    if captions.ass_path is None or captions.has_box or not may_get_box(settings):
        return captions
    backdrop = Backdrop(captions, plan.rate, is_full_range=reader.video.is_full_range)
    framer = _framer(reader.video, plan, plan.encodes[0], captions, params)
    for tick, frame in enumerate(plan.frames(reader)):
        if backdrop.wants(tick):
            backdrop.look(tick, framer.picture(frame, plan.window(frame))[0])
    is_clear = backdrop.contrast(settings, has_box=False) >= LEAST_CONTRAST
    return captions if is_clear else put_box(captions, plan, params)


def encode_clip(
    reader: VideoReader,
    plan: ClipPlan,
    targets: Sequence[Target],
    captions: Captions,
    backdrop: Backdrop,
    params: Params,
    report: Callable[[float], None],
) -> float:
    """Encode all files in one pass over the source; return the time of the best cover."""
    chooser = CoverChooser(float(plan.rate))
    framers = {
        (target.encode.width, target.encode.height): _framer(reader.video, plan, target.encode, captions, params)
        for target in targets
    }
    with ExitStack() as stack:
        encoders = [stack.enter_context(_encoder(reader.video, plan, target, captions, params)) for target in targets]
        shown: Frame | None = None
        pictures: dict[tuple[int, int], Picture] = {}
        for tick, frame in enumerate(plan.frames(reader)):
            if frame is not shown:
                shown = frame
                window = plan.window(frame)
                for size, framer in framers.items():
                    pictures[size] = framer.picture(frame, window)
            for target, encoder in zip(targets, encoders, strict=True):
                encoder.write(*pictures[target.encode.width, target.encode.height])
            first = next(iter(pictures.values()))[0]
            chooser.look(tick, first)
            backdrop.look(tick, first)
            report((tick + 1) / plan.n_ticks)
    return float(chooser.best_tick() / plan.rate)


def check_file(target: Target, plan: ClipPlan) -> None:
    """Open the encoded file and decode all of it."""
    facts = measure_file(target.path)
    if facts.n_broken or facts.n_frames != plan.n_ticks:
        message = (
            f"clip {plan.clip_id}: the encoded file must have {plan.n_ticks} whole frames, found {facts.n_frames} and "
            f"{facts.n_broken} broken. Render it again."
        )
        raise RenderError(message, code="render.broken_file", retry="later")


def _framer(video: VideoInfo, plan: ClipPlan, encode: Encode, captions: Captions, params: Params) -> Framer:
    _, top, _, bottom = safe_box(plan.platforms, encode.width, encode.height)
    if captions.ass_path is not None:
        scale = min(encode.width, encode.height) / CAPTION_SIDE
        bottom -= round(scale * caption_height(params.captions))
    return Framer(video, encode.width, encode.height, clear=(top, bottom), bed=params.reframe.bed)


def _encoder(video: VideoInfo, plan: ClipPlan, target: Target, captions: Captions, params: Params) -> FrameEncoder:
    return FrameEncoder(
        target.path,
        width=target.encode.width,
        height=target.encode.height,
        frame_rate=plan.rate,
        audio_path=target.sound.path,
        captions_path=captions.ass_path,
        fonts_dir=captions.fonts_dir,
        matrix=video.matrix,
        is_full_range=video.is_full_range,
        crf=params.render.crf,
        preset=params.render.preset,
        gop_s=target.encode.gop_s,
        max_bitrate=target.encode.max_video_bitrate,
        threads=params.render.encoder_threads,
        edit_list=params.render.edit_list,
    )
