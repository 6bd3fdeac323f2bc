"""Plans: what fits a time, on several machines; pure numbers."""

from dataclasses import replace

import pytest

from mmdepthcp.apis.resnets import ResNetKind
from mmdepthcp.experiments.video_frames import depth_lists
from mmdepthcp.experiments.video_plan import (
    CUSHION,
    LEAST,
    MOST_PREPARATION,
    describe_plan,
    number_of_prototypes,
    plan,
    view_sizes,
)
from mmdepthcp.experiments.video_tasks import (
    METHODS,
    Cost,
    Footage,
    Machine,
    Measured,
    Task,
    parse_budget,
    tell_time,
)
from mmdepthcp.utils.errors import InputError

CORES = Measured(
    Machine(2), 9.0, depth=Cost(0.0, 8.0), disparity=Cost(0.05, 1.0), regions=Cost(0.02, 1.0),
    pretrain=Cost(0.02, 4.0), finetune=Cost(0.01, 4.0))
GPU = Measured(
    Machine(16, 1, 24.0), 8.0, depth=Cost(0.0, 0.15, 4.0), disparity=Cost(0.01, 0.05), regions=Cost(0.02, 1.0),
    pretrain=Cost(0.0, 0.1, 6.0), finetune=Cost(0.0, 0.1, 3.0))
MINUTE = Footage(600, (960, 540))
HOURS = Footage(72000, (1280, 720), 40, True)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(('measured', 'footage', 'budget'), [
    (CORES, MINUTE, 15 * 60), (CORES, HOURS, 6 * 3600), (GPU, MINUTE, 1800), (GPU, HOURS, 12 * 3600)])
def test_plan_fits_its_time(measured, footage, budget, method):
    task = Task(method, labelled=8, tested=4)
    made = plan(measured, footage, budget, task, spent=20)
    assert made.spent + made.total <= budget
    assert set(made.seconds) == set(task.commands) and made.compares
    assert made.view_size in view_sizes(footage.size)
    assert made.pretrain_iterations >= LEAST['pretrain'] or made.pretrain_epochs == 200
    prepared = sum(made.seconds[name] for name in ('disparity', 'regions') if name in made.seconds)
    assert prepared <= MOST_PREPARATION * budget + 2 * measured.start + 1
    assert made.images == -(-footage.frames // made.image_step)


def test_quarter_of_an_hour_suffices_two_cores_for_a_minute_of_video():
    made = plan(CORES, MINUTE, 15 * 60, Task(labelled=8, tested=4), spent=30)
    assert made.network == ResNetKind(18, base_channels=32, stem_channels=32) and made.processes == 1
    assert made.total > 0.8 * 15 * 60  # the time is used


def test_gpu_gets_the_larger_network_and_views():
    small, large = plan(CORES, MINUTE, 3600, Task()), plan(GPU, HOURS, 12 * 3600, Task())
    assert large.network == ResNetKind(50)
    assert large.view_size[0] * large.view_size[1] > 2 * small.view_size[0] * small.view_size[1]


def test_memory_limits_views():
    scarce = replace(GPU, machine=Machine(16, 1, 2.0))
    made, free = plan(scarce, HOURS, 12 * 3600, Task()), plan(GPU, HOURS, 12 * 3600, Task())
    pixels = made.view_size[0] * made.view_size[1] / 1e6
    assert 8 * 6.0 * pixels <= 0.8 * 2.0 or made.view_size == view_sizes(HOURS.size)[0]
    assert made.view_size < free.view_size


def test_gpus_share_the_work():
    one, four = plan(GPU, HOURS, 6 * 3600, Task()), plan(replace(GPU, machine=Machine(64, 4, 24.0)), HOURS, 6 * 3600,
                                                        Task())
    assert four.processes == 4 and four.workers <= 8
    seen = [made.pretrain_iterations * made.group * made.processes * made.view_size[0] * made.view_size[1]
            for made in (one, four)]
    assert seen[1] > 2 * seen[0]


def test_too_small_a_time_names_the_least_and_that_suffices():
    with pytest.raises(InputError, match=r'too small for 600 frames.*--budget (\d+)m') as caught:
        plan(CORES, MINUTE, 60, Task(labelled=8, tested=4))
    least = int(str(caught.value).rpartition('--budget ')[2].partition('m')[0])
    plan(CORES, MINUTE, 60 * least, Task(labelled=8, tested=4))
    with pytest.raises(InputError):
        plan(CORES, MINUTE, 60 * (least - 2), Task(labelled=8, tested=4))


def test_random_weights_are_left_out_where_time_is_short():
    task = Task(labelled=8, tested=4)
    budget = next(budget for budget in range(60, 3600, 5) if _fits(budget, task))
    made = plan(CORES, MINUTE, budget, task)
    assert not made.compares and 'random' not in made.seconds
    assert 'no time to fine-tune random weights' in describe_plan(made, MINUTE, CORES.machine, task)


def _fits(budget, task):
    try:
        return bool(plan(CORES, MINUTE, budget, task))
    except InputError:
        return False


@pytest.mark.parametrize('depth', ['checkpoint', 'hf', 'disparity'])
def test_depth_from_elsewhere_is_not_learnt(depth):
    made = plan(CORES, MINUTE, 900, Task(depth=depth))
    assert 'depth' not in made.seconds and made.depth_epochs == 0
    assert ('disparity' in made.seconds) == (depth != 'disparity')
    work = [other.pretrain_iterations * other.view_size[0] * other.view_size[1]
            for other in (made, plan(CORES, MINUTE, 900, Task()))]
    assert work[0] > work[1]


def test_more_time_is_more_training():
    lengths = [plan(CORES, MINUTE, budget, Task()) for budget in (600, 1200, 2400)]
    work = [made.pretrain_iterations * made.view_size[0] * made.view_size[1] for made in lengths]
    assert work == sorted(work) and work[-1] > work[0]


@pytest.mark.parametrize(('size', 'smallest'), [
    ((960, 540), (160, 96)), ((480, 360), (128, 96)), ((2048, 1024), (128, 64)), ((540, 960), (96, 160)),
    ((1242, 375), (224, 64)), ((64, 48), (96, 64))])
def test_views_have_the_shape_of_the_frames(size, smallest):
    sizes = view_sizes(size)
    assert sizes[0] == smallest
    assert all(width % 32 == height % 32 == 0 and min(width, height) >= 64 for width, height in sizes)
    assert all(width * height <= 768 * 384 for width, height in sizes)


def test_cost_through_measurements():
    assert Cost.through({(1000, 1000): 2.0}).at((500, 1000)) == pytest.approx(1.0)
    falling = Cost.through({(100, 100): 5.0, (1000, 1000): 2.0})  # a slow first measurement
    assert falling.at((100, 100)) <= falling.at((1000, 1000)) == pytest.approx(2.0)
    with pytest.raises(ValueError, match='no measurement'):
        Cost.through({})


@pytest.mark.parametrize(('text', 'seconds'), [('30m', 1800), ('6h', 21600), ('1h30m', 5400), ('90s', 90), ('2', 120),
                                               ('0.5h', 1800), ('2d', 172800)])
def test_budgets_are_read(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize('text', ['', 'soon', '0m', '-5m', '5x', '5m later', 'm'])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(InputError, match='30m'):
        parse_budget(text)


def test_times_are_told():
    assert [tell_time(seconds) for seconds in (12.4, 61, 300, 5400, 7200)] == [
        '12 s', '61 s', '5 min', '1 h 30 min', '2 h']


def test_prototypes_grow_with_images():
    assert [number_of_prototypes(images, Machine(2)) for images in (1, 88, 600, 10**6)] == [32, 32, 64, 128]
    assert number_of_prototypes(10**6, Machine(8, 1, 24.0)) == 512


def test_depth_is_checked_on_frames_that_no_training_frame_touches(tmp_path):
    clips = {'a': [tmp_path / f'a/{number}.jpg' for number in range(100)],
             'b': [tmp_path / f'b/{number}.jpg' for number in range(10)]}
    train, check = depth_lists(clips, 1)
    numbers = {clip: {int(path.stem) for path in train if path.parent.name == clip} for clip in clips}
    checked = {int(path.stem) for path in check}
    assert checked == set(range(89, 99)) and all(path.parent.name == 'a' for path in check)
    assert numbers['b'] == set(range(1, 9))
    seen = {number + step for number in numbers['a'] for step in (-1, 0, 1)}
    assert not seen & {number + step for number in checked for step in (-1, 0, 1)}
    assert len(depth_lists(clips, 3)[0]) < len(train) / 2
    alone = depth_lists({'b': clips['b']}, 1)
    assert alone[0] == alone[1]


def test_cushion_is_kept():
    made = plan(CORES, MINUTE, 1800, Task())
    assert made.total <= 1800 * (1 - CUSHION) + 1
