# Post-hoc logit adjustment (arXiv 2007.07314) in testing the checkpoint of ce.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:brl}}.py'
words = dict(method='post-hoc')

default_hooks = dict(
    post_hoc=dict(
        type='mmshapmix.PostHocHook', correction='logit-adjustment', tau=1
    )
)
