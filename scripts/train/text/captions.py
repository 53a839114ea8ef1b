"""Captions: a letter and what is known of its face, in words of random choice, order and number."""
import random

from faces import Style

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Combinations that no picture of the training shows: the style's words, and the letters.
HELD_OUT = (
    ({"bold", "italic"}, "GKR"),
    ({"light", "sans"}, "EMS"),
    ({"bold", "condensed"}, "HQ"),
    ({"mono", "italic"}, "BTW"),
)

WEIGHT = {
    "thin": ("thin", "light", "very light", "hairline"),
    "light": ("light", "light", "light weight"),
    "regular": ("regular", "normal"),
    "medium": ("medium",),
    "semibold": ("semibold", "demibold"),
    "bold": ("bold", "bold", "heavy"),
    "black": ("black", "heavy", "bold", "bold", "very bold"),
}
SLANT = {
    "italic": ("italic", "italic", "italic", "slanted", "oblique", "cursive"),
    "upright": ("upright", "roman", "straight"),
}
WIDTH = {
    "condensed": ("condensed", "condensed", "narrow"),
    "wide": ("wide", "expanded", "extended"),
    "normal": ("normal width",),
}
MONO = ("mono", "monospaced", "monospace", "typewriter")
FAMILY = {"serif": ("serif", "serif", "with serifs"), "sans": ("sans", "sans serif", "sans-serif", "without serifs")}
# How often a word is said when it is true: what is plain goes mostly without saying.
SAID = {"regular": 0.3, "medium": 0.6, "upright": 0.2, "normal": 0.04}
OFTEN = 0.8
NOUNS = ("letter", "letter", "letter", "letter", "capital letter", "capital", "character", "glyph", "uppercase letter")
FONTS = ("font", "typeface", "style", "face", "type")
FILLERS = (
    "please",
    "picture",
    "photo",
    "image",
    "drawing",
    "of",
    "nice",
    "beautiful",
    "simple",
    "white",
    "on",
    "black background",
    "with",
    "and",
    "very",
    "clean",
    "large",
    "one",
    "draw",
    "me",
    "quality",
    "high",
    "render",
    "written",
    "printed",
    "in",
    "the",
    "big",
    "small",
    "old",
    "modern",
    "design",
    "logo",
    "word",
    "text",
    "made",
    "by",
    "for",
    "is",
    "it",
    "this",
    "like",
    "best",
)


def is_held_out(style: Style, letter: int) -> bool:
    words = style.words()
    return any(combination <= words and LETTERS[letter] in letters for combination, letters in HELD_OUT)


def caption(style: Style, letter: int, rng: random.Random) -> str:
    """One caption of one picture; now and then without the letter, or with words that say nothing."""
    words = said(style, rng)
    rng.shuffle(words)
    name = LETTERS[letter] if rng.random() < 0.9 else LETTERS[letter].lower()
    text = without_letter(words, rng) if words and rng.random() < 0.08 else sentence(words, name, rng)
    if rng.random() < 0.12:
        parts = text.split(" ")
        for _ in range(rng.randint(1, 3)):
            parts.insert(rng.randint(0, len(parts)), rng.choice(FILLERS) if rng.random() < 0.7 else nonsense(rng))
        text = " ".join(parts)
    return text


def said(style: Style, rng: random.Random) -> list[str]:
    options = [
        (style.weight, WEIGHT),
        (style.slant, SLANT),
        (style.width, WIDTH),
        (style.family, FAMILY),
        ("mono" if style.mono else None, {"mono": MONO}),
    ]
    return [rng.choice(table[value]) for value, table in options if value and rng.random() < SAID.get(value, OFTEN)]


def sentence(words: list[str], name: str, rng: random.Random) -> str:
    before, after = words[: (cut := rng.randint(0, len(words)))], words[cut:]
    noun, font = rng.choice(NOUNS), rng.choice(FONTS)
    tail = rng.choice((", ", " ", ", "))
    joined = lambda parts: rng.choice((", ", " ", " and ")).join(parts)
    match rng.randint(0, 9):
        case 0 | 1 | 2:
            return article(" ".join([*before, noun, name])) + (tail + joined(after) if after else "")
        case 3:
            return name if not words else f"{name}{tail}{joined(words)}"
        case 4:
            return " ".join([*words, name])
        case 5:
            return f"the letter {name}" + (f" in {joined(words)}" if words else "")
        case 6:
            return f"{noun} {name}" + (f"{tail}{joined(words)}" if words else "")
        case 7:
            return f"{article(' '.join([*before, name]))}" + (tail + joined(after) if after else "")
        case 8:
            return f"the {noun} {name} in " + article(" ".join([*words, font]))
        case _:
            return " ".join([*before, noun, name, *after])


def without_letter(words: list[str], rng: random.Random) -> str:
    text = " ".join([*words, rng.choice((*NOUNS, *FONTS))])
    return rng.choice((article(text), text, ", ".join(words)))


def article(text: str) -> str:
    return ("an " if text[0].lower() in "aeiou" else "a ") + text


def nonsense(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7)))


def vocabulary() -> list[str]:
    """Every word that a caption may have, letters aside: what the tokenizer has whole."""
    lists = [
        *WEIGHT.values(),
        *SLANT.values(),
        *WIDTH.values(),
        *FAMILY.values(),
        MONO,
        NOUNS,
        FONTS,
        FILLERS,
        ("the", "an", "serifs", "background"),
    ]
    return sorted({word for options in lists for option in options for word in option.replace("-", " ").split()})
