# Clusters on frozen features, learnt and matched to the classes without labels, KITTI
_base_ = [
    '../_base_/models/cluster_probe_r50.py',
    '../_base_/datasets/kitti_semantic.py',
    '../_base_/semantic_runtime.py',
]
model = dict(clusters=dict(num_clusters=19))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=7000, val_interval=7000)
