# NW-UCLA-LT without the training samples that are copies of test samples.
_base_ = 'nw-ucla-lt.py'

data = dict(train=dict(split='xview_train_clean'))
