"""Pure builders: what a resource says -> Kubernetes manifests, as plain values. Called by reconcile/."""
