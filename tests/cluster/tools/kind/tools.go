//go:build tools

// Package tools pins kind, so that `go build` can make it from the module proxy.
package tools

import _ "sigs.k8s.io/kind"
