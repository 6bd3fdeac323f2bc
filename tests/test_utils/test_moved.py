"""Names of version 0.1.0."""

from __future__ import annotations

import importlib
import warnings

import pytest

import mmdepthcp
from mmdepthcp.utils import moved

OLD_NAMES = {
    'apis.depth_inference': 'DepthPredictor ModelPredictor HuggingFacePredictor stretch set_common_scale infer_tree',
    'apis.disparity_export': 'claim_export read_cityscapes_disparity read_depth_as_disparity DisparityFile '
                             'convert_tree',
    'apis.features': 'SOURCES dense_features',
    'apis.region_grouping': 'parse_params RegionGrouper group_tree LabelTree RegionReader measure_quality',
    'checkpoint': 'read_checkpoint model_weights read_state_dict Fit name_some compare_weights check_fit',
    'command_line': 'add_cfg_options add_launcher set_launcher load_config set_work_dir code_commit note_code_version '
                    'errors_in_words hide_known_noise register_modules',
    'comparison': 'Pretraining Task Table Cell Plan read_table final_checkpoint smoke_options fold_options Planner '
                  'gather',
    'datasets.video': 'index_cityscapes index_folder',
    'engine.hooks.epoch_seed': 'EpochSeedHook',
    'fileio': 'IMAGE_SUFFIXES NO_REGION DISPARITY_SCALE InputError atomic_path file_sha256 write_json read_json '
              'write_png read_image read_uint16 write_disparity read_disparity read_depth write_regions read_regions '
              'find_files',
    'grouping': 'back_project',
    'grouping.graph': 'back_project',
    'instances': 'CITYSCAPES_THINGS CITYSCAPES_THING_IDS Encoding ENCODINGS ObjectMask object_masks bounding_box '
                 'coco_annotations',
    'mixing': 'ColourSettings sample_colours ViewSettings sample_view_crops',
    'mixing.colour': 'ColourSettings Colours sample_colours colour_matrices chain_colour_matrices',
    'mixing.pastes': 'ViewSettings sample_view_crops',
    'models.depth': 'MonoDepthDataPreprocessor ReprojectionError automask feature_distance over_sources '
                    'photometric_error smoothness_loss window_moments DepthResNet',
    'models.depth.data_preprocessor': 'MonoDepthDataPreprocessor',
    'models.depth.losses': 'box_mean window_moments photometric_error over_sources automask ReprojectionError '
                           'smoothness_loss feature_distance',
    'models.depth.mono_depth': 'blend_with_mirror',
    'models.depth.resnet': 'DepthResNet',
    'models.probes': 'FrozenFeatures hypercolumns',
    'models.probes.features': 'FrozenFeatures hypercolumns',
    'pipeline': 'StageError Stage log_path state_of commits_of',
    'requirements': 'DISTRIBUTIONS installed_version remedy_for require',
    'summary': 'LossCurve Collected read_loss_curve format_value table',
    'utils.grouping_options': 'add_grouping_options read_grouping_options',
    'utils.resnets': 'ResNetKind parse_resnet recognise_resnet rename_stem',
    'visualization.report': 'Figure bar_chart embed render_report',
}
"""Module → names of functions, classes and constants."""


@pytest.mark.parametrize('module', sorted(OLD_NAMES))
def test_old_names_are_handed_on_with_a_warning(module):
    old = importlib.import_module(f'mmdepthcp.{module}')
    for name in OLD_NAMES[module].split():
        with pytest.warns(FutureWarning, match='old names go with version 0.3') as told:
            found = getattr(old, name)
        (about,) = (one for one in told if ' has moved to ' in str(one.message))
        new, _, same = str(about.message).partition(' has moved to ')[2].partition(';')[0].rpartition('.')
        assert same == name and new != old.__name__
        assert getattr(importlib.import_module(new), name) is found
        assert about.filename == __file__


def test_every_old_module_is_tested():
    assert set(moved.PLACES) - set(OLD_NAMES) == {'geometry.cameras', 'mixing.zbuffer', 'structures'}


def test_old_imports():
    with pytest.warns(FutureWarning) as told:
        from mmdepthcp.fileio import read_image
        from mmdepthcp.mixing import colour
        assert colour.sample_colours
    from mmdepthcp.utils.images import read_image as new
    assert read_image is new
    assert [str(one.message).partition(' ')[0] for one in told] == [
        'mmdepthcp.fileio.read_image', 'mmdepthcp.mixing.colour.sample_colours']


@pytest.mark.parametrize(('module', 'name', 'words'), [
    ('command_line', 'parse_cfg_options', 'is gone: mmdepthcp.config.overrides.parse_options reads options now'),
    ('geometry.cameras', 'resize_intrinsics', 'is gone: multiply the rows'),
    ('structures', 'MatchDict', 'is gone: matches are an InstanceData'),
    ('pipeline', 'run_stage', 'mmdepthcp.experiments.running.run_stage takes its place, with other arguments'),
    ('pipeline', 'wait_for', 'those of mmdepthcp.pipeline lie in mmdepthcp.experiments.stages, '),
    ('fileio', 'nonsense', 'there is no such name, or no more; those of mmdepthcp.fileio lie in mmdepthcp'),
    ('mixing', 'nonsense', "cannot import name 'nonsense'")])
def test_what_is_gone_is_said(module, name, words):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(ImportError, match=words):
            exec(f'from mmdepthcp.{module} import {name}')


def test_what_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r'mmdepthcp\.benchmarks of version 0\.1\.0 is gone: they'):
        importlib.import_module('mmdepthcp.benchmarks')
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'mmdepthcp\.never'"):
        importlib.import_module('mmdepthcp.never')
    with pytest.raises(ModuleNotFoundError, match='No module named'):
        importlib.import_module('mmdepthcp.utils.fileio.more')
    assert not hasattr(mmdepthcp, 'never')


def test_every_place_is_there():
    for places in moved.PLACES.values():
        for place in places:
            importlib.import_module(f'mmdepthcp.{place}')
    for module, names in moved.OTHER_ARGUMENTS.items():
        for name in names.split():
            assert any(hasattr(importlib.import_module(f'mmdepthcp.{place}'), name) for place in moved.PLACES[module])
