# Pairs of the views of STEGO: five crops of an image, of each the square in the middle at 224 pixels; scores on the
# squares of whole images at 320 pixels. Resizing takes the nearest pixel, as the published protocol does
load_pipeline = [dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadLabels')]
load_with_depth = [
    dict(type='mmdepthcp.LoadImage'), dict(type='mmdepthcp.LoadDisparity'), dict(type='mmdepthcp.LoadLabels')
]
# the published code crops pictures of depth that span 0..1 over the whole photograph
legacy_load_with_depth = [*load_with_depth, dict(type='mmdepthcp.NoteDepthRange')]
square = [dict(type='mmdepthcp.CentreSquare', size=224, nearest=True)]
eval_pipeline = [
    dict(type='mmdepthcp.LoadImage'),
    dict(type='mmdepthcp.LoadLabels'),
    dict(type='mmdepthcp.CentreSquare', size=320, nearest=True),
    dict(type='PackSegInputs'),
]
auto_scale_lr = dict(enable=False, base_batch_size=32)
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='mmdepthcp.EndlessSampler', shuffle=True),
    dataset=dict(
        type='mmdepthcp.NeighbourPairDataset',
        dataset=dict(
            type='mmdepthcp.FiveCropDataset',
            # labels are for the linear probe, which tells how much they would find
            dataset=dict(pipeline=load_pipeline),
            pipeline=square),
        pipeline=[dict(type='mmdepthcp.PackFeaturePairs')]))
val_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=eval_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='mmdepthcp.UnsupervisedSegMetric', match_by='count')
test_evaluator = val_evaluator
