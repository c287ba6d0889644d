"""Strokes and texts in millimetres go in; SVG and PDF files come out, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

Point = tuple[float, float]
Box = tuple[float, float, float, float]
PAPERS_MM = {"A4": (297.0, 210.0), "A3": (420.0, 297.0), "A2": (594.0, 420.0)}
_WIDTHS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[]\\ft", 333: "()-`r", 334: "{}", 355: '"',
    389: "*", 469: "^", 500: "Jckvsxyz", 584: "+<=>~", 611: "FTZ", 667: "&ABEKPSVXY",
    722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1015: "@",
}  # fmt: skip
"""Widths in Helvetica, in 1/1000 of its size; every other letter and digit has 556."""
_EMS = {letter: width / 1000 for width, letters in _WIDTHS.items() for letter in letters}
_MM_TO_POINT = 72 / 25.4


@dataclass(frozen=True)
class Stroke:
    """A joined line in mm; filled when it encloses a surface."""

    points: tuple[Point, ...]
    colour: str
    width: float
    fill: str = ""
    is_closed: bool = False
    dash: float = 0.0


@dataclass(frozen=True)
class Text:
    """A line of text; `anchor` is start, middle or end of it; `turn` is 0 or 90 degrees up."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: str = "start"
    is_bold: bool = False
    turn: int = 0

    @property
    def box(self) -> Box:
        """Return the rectangle it covers: left, top, right, bottom in mm."""
        length = text_width_mm(self.text, self.size, is_bold=self.is_bold)
        before = {"start": 0.0, "middle": length / 2, "end": length}[self.anchor]
        if self.turn:
            bottom = self.y + before
            return self.x - 0.72 * self.size, bottom - length, self.x + 0.2 * self.size, bottom
        left = self.x - before
        return left, self.y - 0.72 * self.size, left + length, self.y + 0.2 * self.size


def text_width_mm(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return how long a text is in Helvetica of that size in mm; bold a little too much."""
    return sum(_EMS.get(letter, 0.556) for letter in text) * size * (1.1 if is_bold else 1.0)


@dataclass
class Canvas:
    """A page of strokes, circles (as 24-sided strokes) and texts."""

    width: float
    height: float
    strokes: list[Stroke] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def line(self, points: Sequence[Point], colour: str = "#111", width: float = 0.25,
             dash: float = 0.0) -> None:  # fmt: skip
        """Draw a line over points."""
        self.strokes.append(Stroke(tuple(points), colour, width, dash=dash))

    def area(self, points: Sequence[Point], colour: str, fill: str, width: float = 0.25) -> None:
        """Draw a closed outline with a filling; an empty `fill` leaves it open."""
        self.strokes.append(Stroke(tuple(points), colour, width, fill, True))

    def rectangle(self, box: Box, colour: str, fill: str = "", width: float = 0.25) -> None:
        """Draw a rectangle (left, top, right, bottom)."""
        x0, y0, x1, y1 = box
        self.area(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), colour, fill, width)

    def write(self, text: Text) -> None:
        """Put a text down."""
        if text.text:
            self.texts.append(text)

    def svg(self, title: str) -> str:
        """Return the page as an SVG document."""
        rows = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(self.width)}mm" '
            f'height="{_n(self.height)}mm" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            'font-family="Helvetica, Arial, Liberation Sans, sans-serif">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_n(self.width)}" height="{_n(self.height)}" fill="#fff"/>',
        ]
        rows += [_svg_stroke(stroke) for stroke in self.strokes]
        rows += [_svg_text(text) for text in self.texts]
        return "\n".join([*rows, "</svg>\n"])

    def pdf(self, title: str) -> bytes:
        """Return the page as a PDF document in Helvetica, which every reader has."""
        scale = _n(_MM_TO_POINT)
        content = "\n".join(
            [f"{scale} 0 0 -{scale} 0 {_n(self.height * _MM_TO_POINT)} cm 1 j"]
            + [_pdf_stroke(stroke) for stroke in self.strokes]
            + [_pdf_text(text) for text in self.texts]
        )
        # Not compressed: zlibs differ in their bytes, and the files are compared.
        stream = content.encode("latin-1")
        size = f"[0 0 {_n(self.width * _MM_TO_POINT)} {_n(self.height * _MM_TO_POINT)}]"
        font = "<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding>>"
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            f"<</Type/Page/Parent 2 0 R/MediaBox{size}/Contents 4 0 R"
            "/Resources<</Font<</F0 5 0 R/F1 6 0 R>>>>>>".encode(),
            b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
            (font % "Helvetica").encode(),
            (font % "Helvetica-Bold").encode(),
            f"<</Title({_pdf_escape(title)})>>".encode("latin-1"),
        ]
        return _pdf_file(objects)


def _n(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def _svg_stroke(stroke: Stroke) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in stroke.points)
    tag = "polygon" if stroke.is_closed else "polyline"
    dash = f' stroke-dasharray="{_n(stroke.dash)}"' if stroke.dash else ""
    return (
        f'<{tag} points="{points}" fill="{stroke.fill or "none"}" stroke="{stroke.colour}" '
        f'stroke-width="{_n(stroke.width)}" stroke-linejoin="round"{dash}/>'
    )


def _svg_text(text: Text) -> str:
    where = f'x="{_n(text.x)}" y="{_n(text.y)}"'
    turn = f' transform="rotate(-90 {_n(text.x)} {_n(text.y)})"' if text.turn else ""
    bold = ' font-weight="bold"' if text.is_bold else ""
    return (
        f'<text {where} font-size="{_n(text.size)}" fill="{text.colour}" '
        f'text-anchor="{text.anchor}"{bold}{turn}>{escape(text.text)}</text>'
    )


def _rgb(colour: str) -> str:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    return " ".join(_n(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4))


def _pdf_stroke(stroke: Stroke) -> str:
    (x, y), *rest = stroke.points
    path = f"{_n(x)} {_n(y)} m " + " ".join(f"{_n(x)} {_n(y)} l" for x, y in rest)
    fill = f"{_rgb(stroke.fill)} rg " if stroke.fill else ""
    end = ("b" if stroke.fill else "s") if stroke.is_closed else "S"
    dash = f"[{_n(stroke.dash)}] 0 d" if stroke.dash else "[] 0 d"
    return f"{_rgb(stroke.colour)} RG {fill}{_n(stroke.width)} w {dash} {path} {end}"


_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}


def _pdf_text(text: Text) -> str:
    back = _BEFORE[text.anchor] * text_width_mm(
        text.text, text.size, is_bold=text.is_bold
    )  # fmt: skip
    x, y = (text.x, text.y + back) if text.turn else (text.x - back, text.y)
    matrix = f"0 -1 -1 0 {_n(x)} {_n(y)}" if text.turn else f"1 0 0 -1 {_n(x)} {_n(y)}"
    font = "F1" if text.is_bold else "F0"
    return (
        f"BT {_rgb(text.colour)} rg /{font} {_n(text.size)} Tf {matrix} Tm "
        f"({_pdf_escape(text.text)}) Tj ET"
    )


def _pdf_escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _pdf_file(objects: list[bytes]) -> bytes:
    parts, offsets = [b"%PDF-1.4\n"], []
    for number, body in enumerate(objects, 1):
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts += [b"%010d 00000 n \n" % offset for offset in offsets]
    trailer = b"trailer\n<</Size %d/Root 1 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    parts.append(trailer % (len(objects) + 1, len(objects), start))
    return b"".join(parts)
