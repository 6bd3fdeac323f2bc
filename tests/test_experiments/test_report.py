"""The HTML report: charts in proportion, pictures inside, text escaped."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmdepthcp.experiments.report import MAIN, OTHER, Figure, Report, bar_chart, embed, line_chart, render_report
from mmdepthcp.experiments.summary import LossCurve
from mmdepthcp.experiments.verdicts import Verdict


def path_points(svg, colour):
    """The points of the first path of a colour."""
    path = re.search(rf'<path d="([^"]+)"[^>]*style="[^"]*{colour}', svg).group(1)
    return np.array(re.findall(r'(-?[\d.]+) (-?[\d.]+)', path), float)


def test_line_falls_where_the_loss_falls():
    points = path_points(line_chart(LossCurve((0, 50, 100), (4.0, 3.0, 2.0))), MAIN)
    steps = np.diff(points, axis=0)
    assert (steps > 0).all()  # to the right and, in SVG, down
    np.testing.assert_allclose(steps[0], steps[1], atol=1e-3)


def test_curve_of_one_point_is_drawn():
    assert '<svg' in line_chart(LossCurve((5,), (1.0,)))


def test_bars_are_proportional():
    chart = bar_chart({'ours <b>': 0.4, 'half': 0.2, 'none': None})
    lengths = [np.ptp(path_points(chart, colour)[:, 0]) for colour in (MAIN, OTHER)]
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=1e-3)
    assert chart == bar_chart({'ours <b>': 0.4, 'half': 0.2, 'none': None}) and '<b>' not in chart


def test_embedded_picture_can_be_read_back():
    picture = np.full((6, 8, 3), (10, 200, 90), np.uint8)
    data = re.search(r'base64,([^"]+)"', embed(picture)).group(1)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decoded.astype(int) - picture).max() <= 4


def test_report_is_whole_and_escaped():
    report = Report(
        '<demo>', {'depth': {'a1': 0.5, 'abs_rel': None}}, {'loss': LossCurve((1, 2), (2.0, 1.0))}, {'x': {'a': 1.0}},
        {'Seen': [Figure('a & b', [np.zeros((2, 2, 3), np.uint8)])]}, ['y.json: no such file'],
        [Verdict('depth', False, 'error <1', 'Give more time.'), Verdict('regions', True, '40 regions'),
         Verdict('fine-tuning', None, 'no difference')])
    page = render_report(report)
    assert re.findall(r'class="(good|bad|open)"', page) == ['bad', 'good', 'open']
    assert 'error &lt;1. <strong>Give more time.</strong>' in page and '40 regions.<' in page
    assert '&lt;demo&gt;' in page and 'a &amp; b' in page and 'y.json: no such file' in page

    class Balanced(HTMLParser):
        open_tags: list = []

        def handle_starttag(self, tag, attrs):
            if tag not in ('meta', 'img', 'br'):
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    parser = Balanced()
    parser.feed(page)
    assert not parser.open_tags
