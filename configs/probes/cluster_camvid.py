# Clusters on frozen features, learnt and matched to the classes without labels, CamVid
_base_ = [
    '../_base_/models/cluster_probe_r50.py',
    '../_base_/datasets/camvid_semantic.py',
    '../_base_/semantic_runtime.py',
]
model = dict(clusters=dict(num_clusters=11))
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', _delete_=True)
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2000, val_interval=2000)
