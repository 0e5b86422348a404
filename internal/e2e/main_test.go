package e2e

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestMain prints the table of what ran, and fails a CI run in which every privileged facility was missing. A run that is
// told to stop gives back what it holds outside of this process.
func TestMain(m *testing.M) {
	if code, asked := runCopyWorker(os.Stderr); asked {
		os.Exit(code)
	}
	stop := make(chan os.Signal, 1) // the first signal is enough
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		sig := <-stop
		fmt.Fprintf(os.Stderr, "e2e: told to stop: %v\n", sig)
		ledger.giveBack()
		binaries.remove()
		os.Exit(130)
	}()
	code := m.Run()
	code = max(code, ledger.close(os.Stdout))
	binaries.remove()
	os.Exit(code)
}
