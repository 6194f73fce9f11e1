import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from run_folder import make_run

from clipkit.errors import ResourceError
from clipkit.output.record import RunRecord
from clipkit.output.report import content_policy, render_report, write_report
from clipkit.output.report_page import changed_params, clip_cards
from clipkit.params import Params

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & \' ﷽'


class Page(HTMLParser):
    """The parts of a page that can fetch or run something, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "poster", "srcset", "action")
        ]
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif not self._open or self._open[-1] != "style":
            self.text.append(data)

    @property
    def visible(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def change_record(run_dir: Path, **fields) -> None:
    path = run_dir / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


@pytest.fixture
def run_dir(tmp_path, rng):
    return make_run(tmp_path / "A-talk-01234567", rng)


def test_report_has_the_parts_in_the_order_a_person_wants(run_dir):
    page = Page(write_report(run_dir).read_text(encoding="utf-8"))

    order = [
        "What came out",
        "Why these",
        "What is in the file",
        "Second choices",
        "Checks of the finished files",
        "The run",
    ]
    places = [page.visible.index(heading) for heading in order]
    assert places == sorted(places)
    assert "3 clips (6 files) from 2:00 in 0:59. All 18 checks passed." in page.visible
    assert "No subtitles were found" in page.visible
    assert "render.crf" in page.visible


def test_report_fetches_nothing_but_the_clips_beside_it(run_dir):
    page = Page(write_report(run_dir).read_text(encoding="utf-8"))

    outside = [address for address in page.addresses if not address.startswith("data:image/jpeg;base64,")]
    assert outside
    assert all(re.fullmatch(r"clips/\d+_[a-z_]+\.mp4", address) for address in outside)
    assert all((run_dir / address).is_file() for address in outside)


def test_report_holds_every_figure_as_json_and_plotly_once(run_dir):
    html = write_report(run_dir).read_text(encoding="utf-8")

    page = Page(html)
    data = {attrs["id"]: json.loads(text) for attrs, text in page.scripts if attrs.get("type") == "application/json"}
    assert set(data) == {f"figure-{name}" for name in ("candidates", "terms", "signals", "shots", "crop", "timings")}
    assert all(figure["data"] for figure in data.values())
    assert len(page.scripts) == len(data) + 2
    assert html.count("plotly.js v") == 1
    assert len(html) < 6_000_000


def test_policy_names_the_digest_of_each_script_and_allows_no_host(run_dir):
    html = write_report(run_dir).read_text(encoding="utf-8")

    page = Page(html)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    executed = [text for attrs, text in page.scripts if "type" not in attrs]
    assert policy.group(1).replace("&#39;", "'") == content_policy(*executed)
    assert "default-src 'none'" in content_policy("")
    assert "http" not in policy.group(1).replace("http-equiv", "")
    assert "unsafe-eval" not in policy.group(1)


def test_text_from_strangers_stays_text(tmp_path, rng):
    run_dir = make_run(tmp_path / "run", rng, title=EVIL)
    clips = pd.read_csv(run_dir / "tables" / "clips.csv")
    clips["reason"] = EVIL
    clips.to_csv(run_dir / "tables" / "clips.csv", index=False)
    rejected = pd.read_csv(run_dir / "tables" / "rejected.csv").assign(rule=EVIL, detail=EVIL)
    rejected.to_csv(run_dir / "tables" / "rejected.csv", index=False)
    shots = pd.read_csv(run_dir / "tables" / "shots.csv").assign(kind=EVIL)
    shots.to_csv(run_dir / "tables" / "shots.csv", index=False)
    change_record(
        run_dir,
        input={"path": f"videos/{EVIL}.mp4"},
        notes=[{"stage": EVIL, "message": EVIL}],
        timings={EVIL: 3.0},
        versions={EVIL: EVIL},
        error={"stage": EVIL, "message": EVIL, "code": EVIL, "retry": EVIL},
        status="failed",
    )

    page = Page(write_report(run_dir).read_text(encoding="utf-8"))

    assert page.handlers == []
    assert sum("type" not in attrs for attrs, _ in page.scripts) == 2
    assert "<script>alert(1)</script>" in page.visible
    for attrs, text in page.scripts:
        if attrs.get("type") == "application/json":
            json.loads(text)


def test_each_clip_says_how_it_is_framed_and_how_its_captions_can_be_read(run_dir):
    crop = pd.read_csv(run_dir / "tables" / "crop.csv")
    crop.loc[crop["clip_id"] == 1, "layout"] = "split"
    crop.to_csv(run_dir / "tables" / "crop.csv", index=False)
    captions = {"clip_id": 1, "platform": "x", "n_pages": 9, "max_cps": 24.4, "contrast": 3.6, "has_box": True}
    pd.DataFrame([{**captions, "note": "2 outside the safe box"}]).to_csv(
        run_dir / "tables" / "captions.csv", index=False
    )

    shown = Page(render_report(RunRecord(run_dir))).visible

    assert "Framing: two people, one above the other." in shown
    assert "Captions: 9 pages, read at 24 characters a second at most, contrast 3.6 at least, in a box." in shown
    assert "Against the rules: 2 outside the safe box." in shown
    assert shown.count("Captions: ") == 1


def test_the_mean_score_stands_beside_the_centre_prior(run_dir):
    text = render_report(RunRecord(run_dir))

    assert "Mean score 0.61." in text
    assert "would have scored 0.52 (centre prior)" in text


@pytest.mark.parametrize("quality", [None, [], {"mean_score": "high"}, {"mean_score": 0.5}])
def test_a_record_without_its_quality_leaves_the_sentence_out(run_dir, quality):
    record = json.loads((run_dir / "run.json").read_text())
    (run_dir / "run.json").write_text(json.dumps(record | {"quality": quality}))

    assert "Mean score" not in render_report(RunRecord(run_dir))


def test_failed_run_says_stage_sentence_and_what_to_do(run_dir):
    message = "A talk.mp4: no words were found. Give a subtitle file."
    change_record(
        run_dir,
        status="failed",
        stage="listen",
        error={
            "class": "InputError",
            "code": "input.no_words",
            "message": message,
            "retry": "later",
            "stage": "listen",
        },
    )
    for name in ("candidates", "clips", "rejected", "crop", "verdicts"):
        (run_dir / "tables" / f"{name}.csv").unlink()
    for path in (run_dir / "clips").iterdir():
        path.unlink()

    page = Page(write_report(run_dir).read_text(encoding="utf-8"))

    assert "This run stopped at stage “listen”" in page.visible
    assert message in page.visible
    assert "run the same command again later" in page.visible
    assert "No clip is there." in page.visible
    assert "Signals over" in page.visible


def test_running_run_says_how_far_it_is(run_dir):
    change_record(run_dir, status="running", stage="render", progress=0.42)

    assert "Still going, at stage render, 42% done." in Page(render_report(RunRecord(run_dir))).visible


def test_report_made_as_the_last_stage_calls_the_run_done(run_dir):
    change_record(run_dir, status="running", stage="report", progress=0.93)

    page = Page(render_report(RunRecord(run_dir)))

    assert "Still going" not in page.visible
    assert " done 3 clips" in page.visible


def test_failed_checks_stand_first_and_mark_their_file(run_dir):
    path = run_dir / "tables" / "verdicts.csv"
    verdicts = pd.read_csv(path).astype("object")
    verdicts.loc[10, ["ok", "note"]] = [False, "too loud"]
    verdicts.loc[4, ["ok", "severity"]] = [False, "warning"]
    verdicts.loc[13, ["ok", "severity"]] = [False, "info"]
    verdicts.to_csv(path, index=False)

    run = RunRecord(run_dir)
    page = Page(render_report(run))

    assert "2 of 18 checks did not pass, 1 remark." in page.visible
    table = page.visible[page.visible.rindex("2 of 18 checks") :]
    assert table.index("too loud") < table.index("All 18 checks")
    marks = {(file.clip_id, file.platform): file.verdict for file in run.clip_files()}
    assert marks[2, "youtube_shorts"] == "failed"
    assert marks[1, "youtube_shorts"] == "warned"
    assert marks[3, "tiktok"] == "passed"


def test_clips_without_verdicts_are_marked_unchecked(run_dir):
    (run_dir / "tables" / "verdicts.csv").unlink()

    assert {file.verdict for file in RunRecord(run_dir).clip_files()} == {"unchecked"}


def test_settings_that_differ_are_listed_with_their_default():
    params = Params.model_validate({"render": {"crf": 30}, "scoring": {"weights": {"hook": 0.5}}})

    assert changed_params(params) == [
        ("scoring.weights.hook", 0.5, Params().scoring.weights.hook),
        ("render.crf", 30, Params().render.crf),
    ]
    assert changed_params(Params()) == []


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", b"{ not json", "run.json is damaged: it is not JSON."),
        ("run.json", b"[1, 2]", "run.json is damaged: it is not a JSON object."),
        ("tables/frames.parquet", b"PAR1 nonsense", "tables/frames.parquet cannot be read"),
        ("tables/clips.csv", b"a,b\n1,2\n", "tables/clips.csv lacks the column clip_id."),
        ("tables/candidates.csv", b"\xff\xfe\x00", "tables/candidates.csv"),
        ("tables/shots.csv", b"", "tables/shots.csv cannot be read"),
        (
            "tables/clips.csv",
            b"clip_id,start_s,end_s,score,title,reason\n1,0,9,0.5,NA,\n2,soon,9,1,x,y\n",
            "tables/clips.csv: 1 rows without numbers were left out.",
        ),
    ],
)
def test_damaged_file_is_named_and_the_rest_is_shown(run_dir, name, content, sentence):
    (run_dir / name).write_bytes(content)

    page = Page(write_report(run_dir).read_text(encoding="utf-8"))

    assert sentence in page.visible
    assert "What came out" in page.visible


def test_a_title_that_looks_like_a_missing_number_stays_a_title(run_dir):
    path = run_dir / "tables" / "clips.csv"
    clips = pd.read_csv(path)
    clips.loc[0, "title"] = "NA"
    clips.to_csv(path, index=False)

    assert clip_cards(RunRecord(run_dir))[0]["title"] == "NA"


def test_empty_folder_still_gives_a_report(tmp_path):
    page = Page(write_report(tmp_path).read_text(encoding="utf-8"))

    assert "run.json cannot be read" in page.visible
    assert "damaged" in page.visible


def test_a_file_that_is_not_in_the_clip_list_is_shown(run_dir):
    (run_dir / "clips" / "9_tiktok.mp4").write_bytes(b"")

    cards = clip_cards(RunRecord(run_dir))

    assert cards[-1]["clip_id"] == 9
    assert cards[-1]["title"] == "not in the clip list"


def test_a_broken_cover_leaves_the_clip(run_dir):
    (run_dir / "clips" / "1_tiktok.jpg").write_bytes(b"no picture")

    assert Page(write_report(run_dir).read_text(encoding="utf-8")).visible.count("Why the answer is") == 3


def test_the_old_report_stays_when_the_new_one_cannot_be_written(run_dir, monkeypatch):
    path = write_report(run_dir)
    before = path.read_bytes()
    monkeypatch.setattr(
        "clipkit.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )

    with pytest.raises(ResourceError, match="disk is full"):
        write_report(run_dir)

    assert path.read_bytes() == before
    assert not [name for name in run_dir.iterdir() if "part" in name.name]


def test_same_run_gives_the_same_report(run_dir):
    first = write_report(run_dir).read_bytes()

    assert write_report(run_dir).read_bytes() == first
