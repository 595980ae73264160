"""TeX between dollars becomes MathML, which browsers draw by themselves: no script from elsewhere. A hook of MkDocs."""

import re

from latex2mathml.converter import convert

DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.S)
INLINE = re.compile(r"(?<![\w\\$])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?![\w$])")
TAG = re.compile(r"\\tag\{(\w+)\}")
CODE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)|^(?: {4}|\t).*?$|`[^`\n]+`)", re.S | re.M)


def display(match):
    tag = TAG.search(match[1])
    formula = convert(TAG.sub("", match[1]).strip(), display="block")
    number = f'<span style="float: right">({tag[1]})</span>' if tag else ""
    return f"\n\n<div>{number}{formula}</div>\n\n"


def on_page_markdown(markdown, page, **_):
    """Formulas, but not in code."""
    if "$$" not in markdown:
        return markdown
    parts = CODE.split(markdown)
    for k in range(0, len(parts), 2):
        parts[k] = INLINE.sub(lambda m: convert(m[1]), DISPLAY.sub(display, parts[k]))
    return "".join(parts)
