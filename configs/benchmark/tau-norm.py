# Tau-normalised classifier (arXiv 1910.09217) in testing the checkpoint of ce.
# The authors choose tau on a validation set.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='tau-norm')

default_hooks = dict(
    post_hoc=dict(type='mmshapmix.PostHocHook', correction='tau-norm', tau=1)
)
