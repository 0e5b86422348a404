//go:build !linux

package e2e

import "syscall"

// diesWithUs is for Linux only: elsewhere a killed test may leave a broker behind.
func diesWithUs() *syscall.SysProcAttr { return nil }
