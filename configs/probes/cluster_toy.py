# Clusters on frozen features, learnt and matched to the classes without labels, toy streets
_base_ = [
    '../_base_/models/cluster_probe_r18_small.py',
    '../_base_/datasets/toy_semantic.py',
    '../_base_/semantic_runtime.py',
]
model = dict(clusters=dict(num_clusters=10))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=150, val_interval=150)
