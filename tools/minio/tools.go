//go:build tools

// Package tools pins the MinIO server so that `go build` can make it from the module proxy.
package tools

import _ "github.com/minio/minio"
