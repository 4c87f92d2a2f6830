"""Documents as HTML: what is text stays text, tables have headers and a name of their own."""

from __future__ import annotations

from archcalc.report.media.blocks import (
    Bar,
    Column,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    Total,
    Verbatim,
    bar,
    number,
)
from archcalc.report.media.html import html


def test_a_document_as_html() -> None:
    table = Table([Column("layer"), number("macs"), bar()])
    table.rows += [Section("<part>"), ["a & b", "1,000", Bar(1, 4)], Total(["all", "4,000", Bar(4, 4)])]
    text = html(
        [Heading("Costs", 1), Paragraph("1 < 2", quiet=True), Items(["<one>"]), Verbatim("a\n<b>"), table, table]
    )
    assert "<h1>Costs</h1>" in text
    assert '<p class="quiet">1 &lt; 2</p>' in text
    assert "<li>&lt;one&gt;</li>" in text
    assert "a\n&lt;b&gt;</pre>" in text
    assert '<th colspan="3">&lt;part&gt;</th>' in text
    assert '<th scope="row">a &amp; b</th><td class="number">1,000</td>' in text
    assert 'style="width:25.00%"' in text
    assert '<tfoot><tr><th scope="row">all</th>' in text
    assert 'aria-label="Costs, table 1"' in text
    assert 'aria-label="Costs, table 2"' in text


def test_headings_stand_deeper_within_a_page() -> None:
    assert html([Heading("a", 1), Heading("b", 5)], 2) == "<h3>a</h3>\n<h6>b</h6>\n"
