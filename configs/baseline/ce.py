# Cross-entropy.
_base_ = '../_base_/recipe-{{$MMSHAPMIX_RECIPE:baseline}}.py'
words = dict(method='ce')
