"""A trimmed tokenizer in CLIP's format: every byte, and the words of the captions whole.

CLIP's ids are the 256 bytes, the same at the end of a word (`</w>`), the merges in order, and the two special tokens.
So are these; only the merges are fewer. Any text can be written with it, unknown words letter by letter.
"""
import json
import pathlib

from captions import vocabulary

LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def byte_symbols() -> list[str]:
    """The printable stand-ins of the 256 bytes, in the order of CLIP's vocabulary."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(others))]


def merges_of(words: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the most frequent pair first (ties: in alphabetical order), until every word is one token."""
    parts = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges = []
    while any(len(symbols) > 1 for symbols in parts.values()):
        counts: dict[tuple[str, str], int] = {}
        for symbols in parts.values():
            for pair in zip(symbols, symbols[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        parts = {word: merged(symbols, best) for word, symbols in parts.items()}
    return merges


def merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    out, i = [], 0
    while i < len(symbols):
        joined = tuple(symbols[i:i + 2]) == pair
        out.append("".join(pair) if joined else symbols[i])
        i += 2 if joined else 1
    return out


def write_tokenizer(folder: pathlib.Path) -> None:
    """vocab.json, merges.txt and the configs, as CLIP's own tokenizer has them."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = merges_of(vocabulary())
    symbols = byte_symbols()
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), *("".join(pair) for pair in merges), START, END]
    assert len(set(tokens)) == len(tokens)
    special = {
        name: {"content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": token == START}
        for name, token in (("bos_token", START), ("eos_token", END), ("unk_token", END))
    }
    files = {
        "vocab.json": json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False),
        "merges.txt": "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges),
        "special_tokens_map.json": json.dumps(special | {"pad_token": END}, indent=2) + "\n",
        "tokenizer_config.json": json.dumps(
            {
                "add_prefix_space": False,
                "bos_token": START,
                "do_lower_case": True,
                "eos_token": END,
                "errors": "replace",
                "model_max_length": LENGTH,
                "pad_token": END,
                "tokenizer_class": "CLIPTokenizer",
                "unk_token": END,
            },
            indent=2,
        )
        + "\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
