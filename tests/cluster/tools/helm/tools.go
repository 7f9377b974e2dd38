//go:build tools

// Package tools pins helm, so that `go build` can make it from the module proxy.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
