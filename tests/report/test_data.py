from __future__ import annotations

from archcalc.report.media.data import csv_text, json_lines


def test_csv() -> None:
    rows = [{"name": "a,b", "out_shape": [64, 7], "at_least": True, "head": None, "macs": 10**20}]
    assert csv_text(rows) == 'name,out_shape,at_least,head,macs\n"a,b",64x7,true,,100000000000000000000\n'


def test_json_has_an_object_a_line() -> None:
    text = json_lines({"a": 1, "rows": [{"x": [1, 2]}, {"x": None}], "none": []})
    assert text == '{\n  "a": 1,\n  "rows": [\n    {"x": [1, 2]},\n    {"x": null}\n  ],\n  "none": []\n}\n'
