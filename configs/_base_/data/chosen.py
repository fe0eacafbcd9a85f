# The chosen data set: a file of this folder, or a path.
_base_ = '{{$MMSHAPMIX_DATA:ntu60-xsub-lt-3d.py}}'
chosen = '{{$MMSHAPMIX_DATA:ntu60-xsub-lt-3d.py}}'
