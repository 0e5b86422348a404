package vfs

import (
	"math/bits"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// Op is a kind of operation, or several or-ed together.
type Op uint32

const (
	OpOpen Op = 1 << iota // of a file that is there
	OpCreate
	OpRead
	OpWrite
	OpSync // also the second half of a write through DSync
	OpWriteback
	OpTruncate
	OpRename
	OpRemove
	OpMkdir
	OpSyncDir
	OpList
	OpStat
	OpLock
	OpFree

	opEnd

	OpAny = opEnd - 1
	// OpChange is every operation after which the disk may be different.
	OpChange = OpCreate | OpWrite | OpSync | OpTruncate | OpRename | OpRemove | OpMkdir | OpSyncDir
)

var opNames = [...]string{
	"open", "create", "read", "write", "sync", "writeback", "truncate", "rename", "remove", "mkdir",
	"syncdir", "list", "stat", "lock", "free",
}

func (o Op) String() string {
	var names []string
	for i, name := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// Fault makes operations fail.
type Fault struct {
	Op      Op     // which; 0 is OpAny
	Pattern string // path.Match of the base name, or of the whole name when it holds a slash; "" is every name
	Nth     int    // the nth matching operation fails, counted from 1; 0 is the first
	Times   int    // so many fail, from the nth on; 0 is all of them
	Err     error  // what it answers: syscall.EIO, ENOSPC, EROFS, EMFILE
	Partial int    // of a write, so many bytes reach the file all the same
}

// Faults watches operations, counts them and fails them on command. The zero value lets everything
// pass. All methods may be called at once.
type Faults struct {
	counts [len(opNames)]atomic.Int64
	armed  atomic.Bool // a hook or a fault is set: the rest is worth looking at

	mu     sync.Mutex // guards the fields below
	hook   func(op Op, name string)
	faults []*armedFault
}

type armedFault struct {
	Fault
	seen int // matching operations so far
}

// OnOp has fn called before each operation, in the goroutine that does it and with no lock held: fn
// may use the file system, but then sees its own operations too. A nil fn takes the hook off.
func (f *Faults) OnOp(fn func(op Op, name string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = fn
	f.armed.Store(f.hook != nil || len(f.faults) > 0)
}

// Fail adds a fault.
func (f *Faults) Fail(fault Fault) {
	if fault.Op == 0 {
		fault.Op = OpAny
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &armedFault{Fault: fault})
	f.armed.Store(true)
}

// Heal takes all faults away.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
	f.armed.Store(f.hook != nil)
}

// Count answers how many operations of these kinds there were, failed ones included.
func (f *Faults) Count(op Op) int {
	n := int64(0)
	for i := range f.counts {
		if op&(1<<i) != 0 {
			n += f.counts[i].Load()
		}
	}
	return int(n)
}

// before is called ahead of an operation. It answers the error to fail it with, and how many bytes
// of a write go through nevertheless.
func (f *Faults) before(op Op, name string) (partial int, err error) {
	f.counts[bits.TrailingZeros32(uint32(op))].Add(1)
	if !f.armed.Load() {
		return 0, nil
	}
	f.mu.Lock()
	hook := f.hook
	var hit *armedFault
	for _, a := range f.faults {
		if a.matches(op, name) && hit == nil {
			hit = a
		}
	}
	f.mu.Unlock()
	if hook != nil {
		hook(op, name)
	}
	if hit != nil {
		return hit.Partial, hit.Err
	}
	return 0, nil
}

// matches counts the operation when it is one of the fault's, and answers whether it fails.
func (a *armedFault) matches(op Op, name string) bool {
	if a.Op&op == 0 || !matchName(a.Pattern, name) {
		return false
	}
	a.seen++
	first := max(a.Nth, 1)
	return a.seen >= first && (a.Times == 0 || a.seen < first+a.Times)
}

func matchName(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	if !strings.Contains(pattern, "/") {
		name = path.Base(name)
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
