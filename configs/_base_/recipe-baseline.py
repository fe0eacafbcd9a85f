# The recipe of configs/baseline: MMAction2's preparation, no augmentation.
_base_ = 'training.py'
words = dict(recipe='baseline')
streams = ['j', 'b', 'jm', 'bm']
