"""Builds the OCI images that a cluster runs, without an engine, a registry or anybody else's image. `make images` runs it.

`catalogue` says what each image is; `debian`, `python`, `product` and `programs` say how a layer comes about; `layers`, `oci`
and `archive` put bytes in order. Nothing of the product imports this.
"""
