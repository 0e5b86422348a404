package e2e

import "syscall"

// diesWithUs has the kernel end a child when this process ends, however it ends.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
