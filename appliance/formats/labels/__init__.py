"""Label files -> annotation records, one format per file: each `read` is an iterator that streams where the format allows.

Called by `vedette dataset import` and the demo. A bad row raises VedetteError(LABELS) naming the file and the place in
it. Nothing here knows items, datasets or the API: a record names its item by the image's file name.
"""
