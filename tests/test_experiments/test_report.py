"""The HTML report: charts in proportion, pictures inside, text escaped."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmdepthcp.experiments.report import Figure, Report, bar_chart, embed, line_chart, render_report, ticks
from mmdepthcp.experiments.summary import LossCurve


def test_ticks_are_round_and_inside():
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    assert ticks(0.31, 0.52) == [0.35, 0.4, 0.45, 0.5]
    assert ticks(3, 3) == [3]


def test_line_falls_where_the_loss_falls():
    points = re.search(r'points="([^"]+)"', line_chart(LossCurve((0, 50, 100), (4.0, 3.0, 2.0)), 'loss')).group(1)
    (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, point.split(','))) for point in points.split())
    assert x0 < x1 < x2 and y0 < y1 < y2
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11) and y1 - y0 == pytest.approx(y2 - y1, abs=0.11)


def test_curve_of_one_point_is_drawn():
    assert '<polyline' in line_chart(LossCurve((5,), (1.0,)), 'x')


def test_bars_are_proportional():
    chart = bar_chart({'ours': 0.4, 'half': 0.2, 'none': None})
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', chart)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.11) and widths[2] == 0
    assert '>–<' in chart


def test_embedded_picture_can_be_read_back():
    picture = np.full((6, 8, 3), (10, 200, 90), np.uint8)
    data = re.search(r'base64,([^"]+)"', embed(picture)).group(1)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decoded.astype(int) - picture).max() <= 4


def test_report_is_whole_and_escaped():
    report = Report(
        '<demo>', {'depth': {'a1': 0.5, 'abs_rel': None}}, {'loss': LossCurve((1, 2), (2.0, 1.0))}, {'x': {'a': 1.0}},
        {'Seen': [Figure('a & b', [np.zeros((2, 2, 3), np.uint8)])]}, ['y.json: no such file'])
    page = render_report(report)
    assert '&lt;demo&gt;' in page and 'a &amp; b' in page and 'y.json: no such file' in page

    class Balanced(HTMLParser):
        open_tags: list = []

        def handle_starttag(self, tag, attrs):
            if tag not in ('meta', 'img'):
                self.open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            pass

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    parser = Balanced()
    parser.feed(page)
    assert not parser.open_tags
