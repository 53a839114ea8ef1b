"""Goldens of CLIP's tokenizer: fixtures/goldens/text/tokens/tokens.json, with the vocabulary of fixtures/letters-text.

`prompts` lists texts and the ids that transformers' CLIPTokenizer gives, cut or filled up to the model's length.
"""
import json
import random

from transformers import CLIPTokenizer

import store
from provenance import write_provenance

SEED = 67
VOCABULARY = store.GOLDENS.parent / "letters-text" / "model" / "tokenizer"

BY_HAND = [
    "", " ", "a", "A Bold  Italic\tletter\nQ", "it's they've I'm you'll he'd don't we're 's 'S", "'''sun' 's'",
    "1234 ½ ² ٣ 一二", "don’t — “quoted” …", "e\u0301 é", "ΣΊΣΥΦΟΣ Σ",
    "İstanbul ẞ ß ﬁ", "日本語 한국어 ไทย हिन्दी", "👍🏽👨‍👩‍👧 ✓", "a<|endoftext|>b <|startoftext|> c", "<|ENDOFTEXT|>",
    "a\u00a0b\u2003c\u3000d\u0085e\ufefff\u200bg\u180eh", "x_y-z/w\\v|u", "!!!???...", "  lead and trail  ",
    "a" * 40, "K " * 40, "\x00\x01\x7f", "ⅷ Ⅷ ǅ ʰ", "a\u0301\u0302b", "🇩🇪 ℃ Ω Å",
]


def random_texts(rng):
    alphabets = [
        "abcdefghijklmnopqrstuvwxyz ", "ABC abc 123 ,.!?'", " \t\n'sStTrRvVmMlLdDeE",
        "".join(map(chr, range(0x20, 0x180))), "".join(map(chr, range(0x370, 0x480))),
        "".join(map(chr, [*range(0x300, 0x370), *range(0x61, 0x7b)])),
        "".join(map(chr, [*range(0x2000, 0x2070), 0x85, 0xa0, 0x3000, 0x61, 0x62])),
    ]
    for _ in range(150):
        alphabet = rng.choice(alphabets)
        yield "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 30)))


def make():
    folder = store.fresh_folder("text/tokens")
    tokenizer = CLIPTokenizer.from_pretrained(VOCABULARY)
    texts = [*BY_HAND, *random_texts(random.Random(SEED))]
    encode = lambda text: tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True
    ).input_ids
    lines = [json.dumps({"text": text, "ids": encode(text)}) for text in texts]
    (folder / "tokens.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    # Stable Diffusion 2 and XL fill texts up with "!", which is then a special token in a prompt, too.
    filled = CLIPTokenizer.from_pretrained(VOCABULARY, pad_token="!")
    random_parts = random.Random(SEED)
    marks = ["cat!", "!", "a!!!b", "hat!!", "!!!cat", "cat?!", "! !", " !a", "<|endoftext|>!"]
    marks += [
        "".join(random_parts.choices(["a", "hat", "!", "!!", "?!", " ", "'s", "7", "<|endoftext|>", "\n"], k=6))
        for _ in range(60)
    ]
    lines = [json.dumps({"text": text, "ids": filled(text).input_ids}) for text in marks]
    (folder / "filled-with-marks.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    write_provenance(folder, SEED)
