"""The validating webhook: what spans objects, asked by the API server before it takes one. Started by main.py, where it is on.

rules and renewal decide and do nothing; review reads and writes AdmissionReviews; certificates makes certificates; keeper keeps
them in a Secret; server answers.
"""
