"""The media gate: what is let in, and the one sentence for what is not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clipkit.errors import InputError
from clipkit.media.gate import check_media, open_container
from clipkit.params import SecurityParams

Hazard = Callable[[str], Path]


def code_of(path: Path, security: SecurityParams | None = None) -> str:
    with pytest.raises(InputError) as caught:
        check_media(path, security)
    message = caught.value.message
    assert str(path) in message
    assert "\n" not in message
    assert "Errno" not in message
    return caught.value.code


@pytest.mark.parametrize("name", ["cfr25.mp4", "b_frames.mkv", "long_gop.ts", "b_frames.avi", "animation.gif"])
def test_ordinary_containers_are_let_in(hazard: Hazard, name: str) -> None:
    check_media(hazard(name))


@pytest.mark.parametrize("name", ["hls.mp4", "dash.mp4", "ffconcat.mp4", "text.mp4"])
def test_playlists_and_text_named_mp4_are_refused(hazard: Hazard, name: str) -> None:
    assert code_of(hazard(name)) in ("input.not_media", "input.container_not_allowed")


def test_a_disguised_playlist_would_be_followed_without_the_gate(hazard: Hazard) -> None:
    import av

    with av.open(str(hazard("ffconcat.mp4"))) as container:
        assert container.format.name == "concat"
    assert code_of(hazard("ffconcat.mp4")) == "input.container_not_allowed"


def test_what_is_no_media_file_has_its_own_code(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()

    assert code_of(tmp_path / "missing.mp4") == "input.missing"
    assert code_of(tmp_path) == "input.is_a_folder"
    assert code_of(empty) == "input.empty"


def test_pipes_and_sockets_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)

    assert code_of(pipe) == "input.not_a_file"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert code_of(tmp_path / "s") == "input.not_a_file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(hazard: Hazard, tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(hazard("ntsc.mp4").read_bytes())
    path.chmod(0)

    assert code_of(path) == "input.unreadable"


def test_a_path_that_cannot_be_one_is_unreadable() -> None:
    assert code_of(Path("x" * 5000)) == "input.unreadable"
    assert code_of(Path("nul\0byte.mp4")) == "input.unreadable"


def test_a_path_that_looks_like_a_protocol_is_a_file_name(
    hazard: Hazard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "concat:a|b.mp4"
    (tmp_path / name).write_bytes(hazard("ntsc.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)

    with open_container(name) as container:
        assert len(container.streams.video) == 1


def test_pictures_above_the_limit_are_refused(hazard: Hazard) -> None:
    assert code_of(hazard("cfr25.mp4"), SecurityParams(max_pixels=96 * 64 - 1)) == "input.too_many_pixels"
    check_media(hazard("cfr25.mp4"), SecurityParams(max_pixels=96 * 64))


def test_streams_above_the_limit_are_refused(hazard: Hazard) -> None:
    assert code_of(hazard("cfr25.mp4"), SecurityParams(max_streams=1)) == "input.too_many_streams"
    check_media(hazard("cfr25.mp4"), SecurityParams(max_streams=2))


def test_a_video_above_the_limit_of_length_is_refused(hazard: Hazard) -> None:
    assert code_of(hazard("cfr25.mp4"), SecurityParams(max_duration_s=1.5)) == "input.too_long"


def test_a_claimed_length_that_is_a_lie_does_not_count(hazard: Hazard) -> None:
    # The header says 4 s, the file ends after 1.2 s.
    check_media(hazard("cut_off.mp4"), SecurityParams(max_duration_s=2.0))


def test_a_codec_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    from hazards import write

    path = write(tmp_path / "magic.avi", range(3), codec="magicyuv", pix_fmt="gbrp")

    assert code_of(path) == "input.codec_not_allowed"


def test_ffmpeg_does_not_write_to_the_terminal(hazard: Hazard) -> None:
    code = (
        "from clipkit.media.reader import open_video\n"
        "from clipkit.media.audio import read_audio\n"
        "import sys\n"
        "for path in sys.argv[1:]:\n"
        "    with open_video(path) as reader: print(sum(1 for _ in reader))\n"
        "    read_audio(path, rate_hz=16000, channels=1)\n"
    )
    paths = [str(hazard(name)) for name in ("damaged.mp4", "cut_off.mp4", "cfr25.mp4")]

    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert int(done.stdout.split()[-1]) == 50
