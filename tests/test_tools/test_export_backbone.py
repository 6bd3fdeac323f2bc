"""tools/export_backbone.py: the report, and errors in words."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmpretrain.models.backbones import ResNet

TOOL = Path(__file__).parents[2] / 'tools/export_backbone.py'


def run(monkeypatch, *args):
    """What the tool ended with; None if it ended well."""
    monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, args)])
    try:
        runpy.run_path(str(TOOL), run_name='__main__')
    except SystemExit as ending:
        return ending.code
    return None


def test_report_and_refusal(tmp_path, monkeypatch, capsys):
    state = {f'backbone.{name}': tensor for name, tensor in ResNet(18).state_dict().items()}
    torch.save(dict(state_dict={**state, 'prototypes.weight': torch.zeros(2)}), tmp_path / 'a.pth')
    out = tmp_path / 'out.pth'
    assert run(monkeypatch, tmp_path / 'a.pth', out, '--target', 'torchvision', '--licence', 'mine') is None
    printed = capsys.readouterr().out
    assert printed == (
        f'{out}: torchvision, ResNet-18\n  backbone: 120 of 120 tensors matched\n  left out: prototypes (1)\n')
    assert torch.load(out, weights_only=True)['meta']['licence'] == 'mine'
    out.unlink()
    ending = run(monkeypatch, tmp_path / 'a.pth', out, '--target', 'mmpretrain', '--model', 'ResNet-50')
    assert ending.startswith('error: ') and 'the checkpoint holds a ResNet-18, not a ResNet-50' in ending
    assert not out.exists()


def test_onnx(tmp_path, monkeypatch, capsys):
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    state = {f'backbone.{name}': tensor for name, tensor in ResNet(18, base_channels=8, stem_channels=8).state_dict(
        ).items()}
    torch.save(state, tmp_path / 'a.pth')
    out = tmp_path / 'out.onnx'
    assert run(monkeypatch, tmp_path / 'a.pth', out, '--target', 'onnx', '--size', 32, 64) is None
    assert re.fullmatch(
        rf'{out}: onnx, ResNet-18 \(base_channels=8, stem_channels=8\), opset 17\n'
        r'  outputs: stage1 \(8 channels\), .*, stage4 \(64 channels\)\n'
        r'  differs from torch by \S+ at most \(allowed: 1e-04\)\n', capsys.readouterr().out)
    assert out.is_file()
    for words in (('--target', 'mmseg', '--opset', 17), ('--target', 'onnx', '--model', 'ResNet-50'),
                  ('--target', 'onnx', 'mmseg')):
        assert run(monkeypatch, tmp_path / 'a.pth', out, *words) == 2
    both = tmp_path / '{target}.pth'
    assert run(monkeypatch, tmp_path / 'a.pth', both, '--target', 'mmseg', 'onnx', '--size', 32, 64) is None
    assert (tmp_path / 'mmseg.pth').is_file() and (tmp_path / 'onnx.pth').is_file()
