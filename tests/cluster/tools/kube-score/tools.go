//go:build tools

// Package tools pins kube-score, so that `go build` can make it from the module proxy.
package tools

import _ "github.com/zegl/kube-score/cmd/kube-score"
