"""A real Whisper model in the format of faster-whisper, of random weights: it hears nonsense, always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.model_spec import LayerSpec, visit_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LANGUAGES = ("en", "de", "fr")
SIZE = 3000
WIDTH = 32


def make_whisper(folder: Path, *, is_multilingual: bool = False, is_repetitive: bool = False, seed: int = 5) -> Path:
    """Write the model's files and return the folder."""
    folder.mkdir(parents=True)
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{name}|>" for name in LANGUAGES)]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    special += ["<|notimestamps|>", *(f"<|{index * 0.02:.2f}|>" for index in range(1501))]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    n_words = SIZE - len(special) - len(letters)
    rng = np.random.default_rng(seed)
    drawn = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), (n_words, 5))
    words = [f"Ġ{''.join(row)}{index}" for index, row in enumerate(drawn.tolist())]
    # CTranslate2 knows a model of many languages by the empty word in its vocabulary.
    words[-1:] = [""] if is_multilingual else words[-1:]

    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(letters + words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))

    spec = WhisperSpec(1, 2, 2, 2)
    _fill(spec, rng, SIZE - len(special), 0.0 if is_repetitive else 10.0)
    spec.register_vocabulary(letters + words + special)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [SIZE - len(special)]
    spec.config.lang_ids = [SIZE - len(special) + 2 + index for index in range(len(LANGUAGES))]
    spec.config.alignment_heads = [(1, 0), (1, 1)]
    spec.validate()
    spec.save(str(folder))
    return folder


def _fill(spec: WhisperSpec, rng: np.random.Generator, end: int, positions: float) -> None:
    shapes = {
        "conv1/weight": (WIDTH, 80, 3),
        "conv2/weight": (WIDTH, WIDTH, 3),
        "encoder/position_encodings/encodings": (1500, WIDTH),
        "decoder/position_encodings/encodings": (448, WIDTH),
        "embeddings/weight": (SIZE, WIDTH),
        "projection/weight": (SIZE, WIDTH),
        "projection/bias": (SIZE,),
        "self_attention/linear_0/weight": (3 * WIDTH, WIDTH),
        "/attention/linear_1/weight": (2 * WIDTH, WIDTH),
        "ffn/linear_0/weight": (2 * WIDTH, WIDTH),
        "ffn/linear_1/weight": (WIDTH, 2 * WIDTH),
        "/weight": (WIDTH, WIDTH),
        "gamma": (WIDTH,),
        "beta": (WIDTH,),
        "conv1/bias": (WIDTH,),
        "conv2/bias": (WIDTH,),
    }
    # Strong positions: another word at each place, not one word for ever.
    scales = {"decoder/position_encodings/encodings": positions, "beta": 0.0, "bias": 0.0}

    def fill(layer: LayerSpec, name: str, value: object) -> None:
        shape = next((shape for end, shape in shapes.items() if name.endswith(end)), None)
        if shape is not None and (value is None or isinstance(value, str)):
            scale = next((scale for end, scale in scales.items() if name.endswith(end)), 0.3)
            weights = rng.normal(0.0, scale, shape) + (1.0 if name.endswith("gamma") else 0.0)
            setattr(layer, name.rsplit("/", 1)[-1], weights.astype(np.float32))

    visit_spec(spec, fill)
    # A sentence ends after some words, not where there is no more room.
    spec.decoder.projection.bias[end] = 3.0
