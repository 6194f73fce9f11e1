"""Every hostile and unusual file gives clips or one clear error with a code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clipkit.ui.cli import main

# Small and short, so that all of them can run: a clip of 1 s at most, in the smallest frame.
OPTIONS = [
    *("--clips", "1", "--platform", "x"),
    *("--set", "selection.min_s=0.5", "--set", "selection.max_s=1", "--set", "selection.ideal_s=1"),
    *("--set", "render.preset=superfast"),
]
OUTCOMES = {
    "ae_SAR-2by3.mp4": "done",
    "ae_h264-mjpeg.mp4": "done",
    "ae_h264-png.mkv": "done",
    "ae_mov_text.mp4": "done",
    "ae_test_yuv422p.mp4": "done",
    "ae_webvtt.mkv": "done",
    "an_mono.empty.wav": "input.empty",
    "an_mono.invalid.wav": "input.not_media",
    "an_mono.zero.wav": "input.no_video_stream",
    "an_text_named.mp3": "input.not_media",
    "ax_avi_sample-with-large-length.avi": "done",
    "ax_avi_sample.avi": "done",
    "ax_bbb_176x144_128kbps_15fps_h263.3gp": "done",
    "ax_bbb_642x642_768kbps_30fps_vp9.webm": "done",
    "ax_bbb_800x640_768kbps_30fps_avc_2b_firstpts_10_sec.mp4": "done",
    "ax_bbb_mono_8kHz_12.2kbps_amrnb.3gp": "input.no_video_stream",
    "ax_bt601.mp4": "done",
    "ax_dolbyVision-hdr.MOV": "input.too_short",
    "ax_edit_list_positive_shift.mp4": "done",
    "ax_flv_sample.flv": "done",
    "ax_hdr10-av1.mp4": "done",
    "ax_hlg10-color-test.mp4": "input.too_short",
    "ax_iibbibb_editlist_videoonly.mp4": "done",
    "ax_long_1080p_lowbitrate.mp4": "done",
    "ax_long_1080p_videoonly_lowbitrate.mp4": "done",
    "ax_mp3_100kB-garbage-prefix.mp3": "input.no_video_stream",
    "ax_mp3_1024_incrementing_bytes.mp3": "input.not_media",
    "ax_ogg_bear.opus": "input.no_video_stream",
    "ax_portrait_4k60.mp4": "input.too_short",
    "ax_sample_android_slow_motion.mp4": "done",
    "ax_sample_audio_only_15s.mp4": "input.no_video_stream",
    "ax_sample_edit_list.mp4": "done",
    "ax_sample_fragmented.mp4": "done",
    "ax_sample_malformed_free_box.mp4": "input.not_media",
    "ax_sample_mdat_too_long.mp4": "done",
    "ax_sample_missing_stsd.mp4": "done",
    "ax_sample_portrait.mp4": "done",
    "ax_sample_rotate_and_reflect.mp4": "done",
    "ax_sample_sef_slow_motion.mp4": "done",
    "ax_sample_shorter_audio.mp4": "done",
    "ax_sample_video_only.mp4": "done",
    "ax_sample_vvc.mp4": "input.codec_not_allowed",
    "ax_sample_with_chapters.mkv": "done",
    "ax_sample_with_fake_auxiliary_tracks.mp4": "input.too_short",
    "ax_sample_with_invalid_nalu.mp4": "done",
    "ax_sample_with_pgs_subtitles.mkv": "input.too_short",
    "ax_sample_with_srt.mkv": "done",
    "ax_silent-black-25s.mp4": "done",
    "ax_trim_optimization_failure.mp4": "done",
    "ax_ts_bbb_2500ms.ts": "done",
    "ax_ts_sample_h262_mpeg_audio.ps": "input.too_short",
    "ax_ts_sample_h264_iframes_only.ts": "done",
    "ax_vp9_bear-vp9-odd-dimensions.webm": "done",
    "ax_vp9_invalid-bitstream.webm": "input.no_frames",
    "ax_vp9_roadtrip-vp92-10bit.webm": "done",
    "ax_wav_sample_rf64.wav": "input.no_video_stream",
    "de_corrupted.mp4": "done",
    "de_unordered.mov": "input.too_short",
    "de_video_90.mov": "input.too_short",
    "mb_annex-b.mp4": "done",
    "mb_cursed-vfr.mp4": "done",
    "mb_edts.mp4": "done",
    "mb_hevc.ts": "done",
    "mb_multiple-aac-tracks.mp4": "input.no_video_stream",
    "mb_no-aud.ts": "input.too_short",
    "mb_no-initial-keyframe.ts": "input.too_short",
    "mb_rotate-buck-bunny.mp4": "done",
    "mp_fire2.mp4": "done",
    "mp_no_duration.webm": "done",
    "mp_pigs_in_a_polka.gif": "done",
    "mp_video_with_failing_audio.mp4": "done",
    "mp_with-attached-pic.mp3": "input.no_video_stream",
    "mp_zero_bytes.webm": "input.empty",
    "psd_delayed_start.mp4": "done",
    "tc_av1_video.mkv": "done",
    "tc_bt709_full_range.mp4": "done",
    "tc_h264_10bits.mp4": "done",
    "tc_h265_10bits.mp4": "done",
    "tc_nasa_13013.mp4": "done",
}


@pytest.mark.media
@pytest.mark.notebook
@pytest.mark.parametrize("name", OUTCOMES)
def test_odd_file_gives_clips_or_one_clear_error(name: str, media: Path, tmp_path: Path, capsys):
    video = media / "odd" / name
    if not video.exists():
        pytest.skip(f"{name} is not there")
    before = video.stat()

    status = main(["run", str(video), "--json", "--out", str(tmp_path / "out"), *OPTIONS])

    out, err = capsys.readouterr()
    answer = json.loads(out)
    code = answer["status"] if status == 0 else answer["error"]["code"]
    assert code == OUTCOMES[name], answer.get("error") or err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] in ([], ["out"])
    assert (video.stat().st_size, video.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    if status == 0:
        clips = Path(answer["run_dir"]) / "clips"
        assert sorted(path.name for path in clips.iterdir()) == ["1_x.jpg", "1_x.mp4", "1_x.srt"]
    else:
        assert status == 2
        assert video.name in answer["error"]["message"]


@pytest.mark.media
def test_every_odd_file_has_an_outcome(media: Path):
    assert {path.name for path in (media / "odd").iterdir()} <= set(OUTCOMES)
