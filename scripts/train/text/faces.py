"""What the name of a font file says about its face: weight, slant, width, spacing, family.

    python faces.py glyphs.npz        # how many faces say what, and whether their letters bear it out

Only what a name says, or a family is known for, is a word of a caption; of the others nothing is claimed.
"""
import dataclasses
import pathlib
import re
import sys

import numpy as np


@dataclasses.dataclass(frozen=True)
class Style:
    """One face in words; None where its name leaves it open."""
    weight: str | None = None   # thin, light, regular, medium, semibold, bold, black
    slant: str | None = None    # italic, upright
    width: str | None = None    # condensed, normal, wide
    mono: bool | None = None
    family: str | None = None   # serif, sans

    def words(self) -> frozenset[str]:
        """The words that are asked for in prompts and held out in combinations."""
        heavy = {"bold": "bold", "black": "bold", "thin": "light", "light": "light"}.get(self.weight)
        plain = (
            heavy,
            self.slant == "italic" and "italic",
            self.width == "condensed" and "condensed",
            self.mono and "mono",
            self.family,
        )
        return frozenset(word for word in plain if word)


WEIGHTS = (  # the first that matches
    ("thin", r"thin|hairline|(extra|ultra)l(igh)?t"),
    ("semibold", r"(semi|demi)b(ol)?d|dmbd|demi\b"),
    ("black", r"black|heavy|(extra|ultra)bold|poster|fat"),
    ("bold", r"bold|bdital|-bd\b"),
    ("light", r"light|lite|antpoltlt|(?<=coelacanth)lt\b"),
    ("medium", r"medium|(?<=\w)med\b|condmed\b|torunskamed"),
    ("regular", r"regular|roman|-text|book\b|bookit|bookob"),
)
ITALIC = r"italic|oblique|slanted|(?<=[a-z])(?<!spir)(?<!yin)it\b|(?<=[a-z])ita\b|-ita\b|obl\b|it28p"
CONDENSED = r"cond|cnd|narrow"
WIDE = r"expanded|expd|extended|(?<=[a-z-])ext(italic)?\b|lexend(exa|giga|mega|peta|tera|zetta)"
MONO = (
    r"mono(?!makh)|typewriter|sourcecode|firacode|inconsolata|cousine|hack-|courier|anonymous|cascadiacod|lettergoth"
    r"|zco|almfixed|ocrb"
)
SANS = (
    r"sans|inter-|interdisplay|leaguespartan|biolinum|gillius|ikarius|switzera|universalis|veranasans|comfortaa|arimo"
    r"|carlito|lato-|quicksand|roboto(?!serif)|iwona|kurier|montserrat|raleway|nunito|librefranklin|chivo|archiv0"
    r"|atkinson|cabin|cooperhewitt|hindmadurai|lexend|mukta|baloo|overlock|qthelvet|qtfuture|qtavanti|zhv|go-regular"
    r"|goregular|comicneue|cuprum|poiretone|rosario|firacode|sourcecode|cousine|hack-|cascadiacod|inconsolata"
    r"|qtlettergoth"
    r"|smfb?(r|sl)?10\b|beuron|gosmallcaps|qtoptimum"
)
SERIF = (
    r"serif|garamond|junicode|linlibertine|baskerv|berenis|romande|tribun|tinos|caladea|alegreya|bodoni|caslon"
    r"|librecsln|crimson|aebonum|aemroman|aepagella|aeschola|cochineal|coelacanth|domitian|erewhon|etbb|fbb-|heuristica"
    r"|ibarra|kproman|linguisticspro|newcm(08|10)|texgyre|ztm|oldstandard|playfair|stixtwo|tempora|xcharter"
    r"|merriweather-|cormorant|bitter|baskerville|bskvl|quattrocento-|quattro-|spectral|arvo|doulos|theano|antpolt"
    r"|antykwatorunska|courier|zco|typewriter|antt|imfe|step-|alfaslab|eczar|librisadf|accanthis|qtbasker|qtbodini"
    r"|qtbookmann|qtcaslan|qtgaromand|qtoldgoudy|qtpalatine|qtschoolcentury|scholax|verana-|freeserif|dejavuserif"
)


def style_of(path: str) -> Style:
    """The style that the name of a font file gives away."""
    stem = pathlib.PurePath(path).stem
    for rule in (of_computer_modern, of_drm, of_fetamont, of_semaphor, of_libertine, of_short):
        if (found := rule(stem)) is not None:
            return found
    name = stem.lower()
    weight = next((weight for weight, pattern in WEIGHTS if re.search(pattern, name)), None)
    if name.startswith(("qtblackforest", "fraktur")):
        weight = None
    italic = re.search(ITALIC, name) is not None
    says = weight is not None or italic
    return Style(
        weight or ("regular" if italic else None), "italic" if italic else "upright" if says else None,
        "condensed" if re.search(CONDENSED, name) else "wide" if re.search(WIDE, name) else "normal" if says else None,
        True if re.search(MONO, name) else None, family_of(name))


def family_of(name: str) -> str | None:
    return "sans" if re.search(SANS, name) else "serif" if re.search(SERIF, name) else None


def coded(bold: bool, italic: bool, light: bool = False, **other) -> Style:
    return Style(
        "bold" if bold else "light" if light else "regular", "italic" if italic else "upright", "normal", **other
    )


def of_computer_modern(stem: str) -> Style | None:
    if not stem.startswith("cmun"):
        return None
    known = {
        "bi": (1, 1, "serif"),
        "bx": (1, 0, "serif"),
        "bxo": (1, 1, "serif"),
        "rb": (1, 0, "serif"),
        "rm": (0, 0, "serif"),
        "sl": (0, 1, "serif"),
        "ti": (0, 1, "serif"),
        "ss": (0, 0, "sans"),
        "si": (0, 1, "sans"),
        "sx": (1, 0, "sans"),
        "so": (1, 1, "sans"),
        "tt": (0, 0, None),
        "it": (0, 1, None),
        "st": (0, 1, None),
        "tb": (1, 0, None),
        "tx": (1, 1, None),
    }.get(stem[4:])
    return (
        Style()
        if known is None
        else coded(bool(known[0]), bool(known[1]), family=known[2], mono=True if known[2] is None else None)
    )


def of_drm(stem: str) -> Style | None:
    found = re.fullmatch(r"drm(doz)?(b|bx|it|itbx|sl|l|itsc|sc|scbx|)(\d+)", stem)
    if found is None:
        return Style() if re.match(r"drm[a-z]*\d+$", stem) else None
    kind = found[2]
    return coded("b" in kind, kind.startswith(("it", "sl")), kind == "l", family="serif")


def of_fetamont(stem: str) -> Style | None:
    found = re.fullmatch(r"ffm([bhlr]?)(o?)\d+", stem)
    return (
        (Style() if re.match(r"ffm[a-z]*\d+$", stem) else None)
        if found is None
        else coded(found[1] in ("b", "h") and found[1] != "", found[2] == "o", found[1] == "l", family="sans")
    )


def of_semaphor(stem: str) -> Style | None:
    found = re.fullmatch(r"smf([ep]?)(b?)(r|sl|tt|)10", stem)
    return None if found is None else coded(found[2] == "b", found[3] == "sl", mono=True if found[3] == "tt" else None)


def of_libertine(stem: str) -> Style | None:
    found = re.fullmatch(r"Lin(Libertine|Biolinum)_(D?[RMK])(B|Z?)([IO]?)", stem)
    if found is None:
        return None
    return Style({"B": "bold", "Z": "semibold"}.get(found[3], "regular"), "italic" if found[4] else "upright", "normal",
                 True if found[2] == "M" else None, "sans" if found[1] == "Biolinum" else "serif")


def of_short(stem: str) -> Style | None:
    """Names whose style is one syllable: clara, Baskervaldx, and the Nimbus fonts, whose Med is bold."""
    if found := re.fullmatch(r"clara(b?)(i?)r?", stem):
        return coded(bool(found[1]), bool(found[2]), family="serif")
    if found := re.fullmatch(r"(Baskervaldx|zhv|ztm)-(Bol|Med|Reg|)(Ita|Obl|)", stem):
        return coded(found[2] in ("Bol", "Med"), bool(found[3]), family="sans" if found[1] == "zhv" else "serif")
    return None


def slant(pictures: np.ndarray) -> np.ndarray:
    """How far letters [n, 32, 32] (0 to 1) lean: the slope dx/dy in pixels, to the right positive, that makes their
    columns most unequal.

    Each row is moved by the slope times its height, linearly between pixels; the slope with the largest sum of squared
    column sums wins (the projection that deskews a scan).
    """
    count, height, width = pictures.shape
    slopes = np.arange(-0.30, 0.6001, 0.02)
    # How much of pixel (row, column) falls into column j of the moved picture, which is twice as wide: a hat of width
    # 1.
    j, columns, rows = np.arange(2 * width), np.arange(width) + width // 2, np.arange(height)
    at = j + slopes[:, None, None] * ((height - 1) / 2 - rows)[None, :, None]
    hats = np.clip(1 - np.abs(columns[None, None, :, None] - at[:, :, None, :]), 0, None)
    sums = np.moveaxis(hats, 0, 2).reshape(height * width, -1).astype(np.float32)
    scores = [
        ((part.reshape(len(part), -1).astype(np.float32) @ sums).reshape(len(part), len(slopes), -1) ** 2).sum(axis=2)
        for part in np.array_split(pictures, max(1, count // 1000))
    ]
    return slopes[np.argmax(np.concatenate(scores), axis=1)]


# Letters whose stems stand upright, so that a lean is seen.
STEMS = "BDEFHIKLPRT"


def main() -> None:
    data = np.load(sys.argv[1])
    styles = [style_of(name) for name in data["names"]]
    ink = data["x"].reshape(len(styles), 26, -1).mean(axis=(1, 2)) / 255
    stems = [ord(letter) - 65 for letter in STEMS]
    letters = data["x"].reshape(len(styles), 26, 32, 32)[:, stems].reshape(-1, 32, 32) / 255
    lean = np.median(slant(letters).reshape(len(styles), len(stems)), axis=1)
    wide = (data["x"].reshape(len(styles), 26, 32, 32).max(axis=2) > 64).sum(axis=(1, 2)) / 26
    print(f"{len(styles)} faces, {len(set(styles))} styles")
    for field in dataclasses.fields(Style):
        values = [getattr(style, field.name) for style in styles]
        for value in sorted(set(values), key=str):
            chosen = np.array([v == value for v in values])
            print(
                f"{field.name:8} {value!s:10} {chosen.sum():5}  ink {ink[chosen].mean():.3f}"
                f"  slant {lean[chosen].mean():+.3f}  width {wide[chosen].mean():.1f}"
            )
    if "--doubtful" in sys.argv:
        for i, style in enumerate(styles):
            if style.slant == "italic" and lean[i] < 0.04 or style.slant != "italic" and lean[i] > 0.1:
                print(f"{style.slant!s:8} slant {lean[i]:+.2f}  {data['names'][i]}")
            if style == Style():
                print("nothing known", data["names"][i])


if __name__ == "__main__":
    main()
