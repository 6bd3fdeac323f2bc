# Which images of CamVid to label: a Semantic FPN learns from 12 and from 30 that were chosen by each method. Seeds are
# the student's; of random images they are the choice too.
#   python tools/compare.py configs/tables/selection_camvid.py
_base_ = ['../_base_/stages_camvid.py', '../_base_/few_labels_rows.py']
title = 'Choosing images of CamVid to label'
seeds = (0, 1, 2, 3, 4)

images = _base_.stage_values['images']
supervised = 'configs/semi/supervised_camvid_small.py'
data = _base_.data
depth_network = ['{depth_config}', '{depth}']
students = ['--student', 'configs/selection/depth_student_camvid_small.py', '--disparity', '{work_dir}/disparity']
methods = dict(diversity=[], difficulty=students, both=students)
# active learning: six random images, six of which a network that learnt them is least sure, and so on
lists = dict(
    first='{work_dir}/selection/first/selected_6.txt',
    entropy_12='{work_dir}/selection/entropy_12/labelled_6.txt',
    entropy_30='{work_dir}/selection/entropy_30/labelled_18.txt')
active = (('first', 'entropy_12', 6), ('entropy_12', 'entropy_30', 18))
prepare = [
    *_base_.stages.from_video[:2],
    *(dict(
        name=name,
        tool='tools/select_images.py',
        args=[
            *depth_network, images, f'{{work_dir}}/selection/{name}', '--budget', '30', '--rounds', '12', '30',
            '--method', name, *more
        ],
        outputs=[f'{{work_dir}}/selection/{name}/selected_30.txt'],
        needs=['disparity']) for name, more in methods.items()),
    dict(
        name='first',
        tool='tools/select_images.py',
        args=[images, '{work_dir}/selection/first', '--budget', '6', '--method', 'random'],
        outputs=[lists['first']],
        needs=[]),
    *(stage for before, name, budget in active for stage in (
        dict(
            name=f'segmentor_{before}',
            config=supervised,
            options=[f'{data}.subset=None', f'{data}.ann_file={lists[before]}'],
            needs=[before]),
        dict(
            name=name,
            tool='tools/select_images.py',
            args=[
                supervised, f'{{segmentor_{before}}}', images, f'{{work_dir}}/selection/{name}', '--budget',
                f'{budget}', '--method', 'entropy', '--labelled', lists[before]
            ],
            outputs=[lists[name]],
            needs=[f'segmentor_{before}']))),
]

supervised_task = dict(config=supervised, scores=_base_.few_scores, parts=_base_.plain)
tasks = {
    **{
        f'random_{count}': dict(
            supervised_task,
            label=f'random, {count} labels',
            options=[f'{data}.subset.count={count}', f'{data}.subset.seed={{seed}}'])
        for count in (12, 30)
    },
    **{
        f'{name}_{count}': dict(
            supervised_task,
            label=f'{name}, {count} labels',
            options=[
                f'{data}.subset=None', f'{data}.ann_file={{work_dir}}/selection/{name}/selected_{count}.txt'
            ],
            needs=[name])
        for count in (12, 30) for name in methods
    },
    **{
        name: dict(
            supervised_task,
            label=f'entropy, {name[-2:]} labels',
            options=[f'{data}.subset=None', f'{data}.ann_file={lists[name]}'],
            needs=[name])
        for before, name, budget in active
    },
}
pretrainings = dict(random=dict(label='random', needs=()))
