# Cross-entropy.
_base_ = '../_base_/{{$MMSHAPMIX_RECIPE:baseline}}.py'
words = dict(method='ce')
