# What tables about few labels compare: ways to learn from images with labels and from the others. Each has a label, the
# stem of its config, the keys of its parts, and the kind of disparity that it mixes by
plain = {part: f'model.{part}' for part in ('backbone', 'neck', 'decode_head')}
taught = {part: f'model.segmentor.{part}' for part in plain}
ways = dict(
    supervised=('supervised', 'supervised', plain, None),
    strong=('supervised, strong colours', 'supervised_strong', plain, None),
    mean_teacher=('mean teacher', 'mean_teacher', taught, None),
    classmix=('ClassMix', 'classmix', taught, None),
    exact=('DepthMix, exact depth', 'depthmix', taught, 'exact'),
    learnt=('DepthMix, learnt depth', 'depthmix', taught, 'disparity'),
    others=('DepthMix, depth of other images', 'depthmix', taught, 'others'))
few_scores = [dict(key='mIoU', label='mIoU'), dict(key='aAcc', label='aAcc')]
data = 'train_dataloader.dataset'
unlabelled_disparity = f'{data}.unlabelled.data_prefix.disparity_path='
