package runtime

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestStateIsReplayedAfterAPowerLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		w := start(t, disk, 0)
		for i := range int64(100) {
			w.do("add", i)
		}
		w.want(w.do("sum", 0), int64(4950))
		crashed := disk.CrashClone(vfs.Crash{}) // everything that was answered is on it
		w.stop()
		w = start(t, crashed, 0)
		defer w.stop()
		w.want(w.do("sum", 0), int64(4950))
	})
}

func TestAFailedAppendForgetsTheMachineAndLoadsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.do("add", 1)
		held := make(chan error, 1) // one reply
		w.Submit(0, event{do: "hold"}, func(_ any, err error) { held <- err })
		w.broken.Store(true)
		if _, err := w.try("add", 2); !errors.Is(err, ErrNotCoordinator) {
			t.Fatalf("the event whose append failed was answered %v", err)
		}
		if err := <-held; !errors.Is(err, ErrNotCoordinator) {
			t.Fatalf("who waited was answered %v", err)
		}
		if _, err := w.try("sum", 0); !errors.Is(err, ErrLoading) {
			t.Fatalf("while it loads: %v", err)
		}
		w.broken.Store(false)
		w.want(w.do("sum", 0), int64(1))
	})
}

func TestRepliesThatComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.do("sum", 0)
		held := make(chan any, 2) // two replies
		for range 2 {
			w.Submit(0, event{do: "hold"}, func(reply any, _ error) { held <- reply })
		}
		synctest.Wait()
		select {
		case r := <-held:
			t.Fatalf("answered early: %v", r)
		default:
		}
		w.do("release", 0)
		w.want(<-held, "released")
		w.want(<-held, "released")
	})
}

func TestTimersFireOnceAndNotAfterTheyWereCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.do("set-timer", int64(time.Second))
		time.Sleep(999 * time.Millisecond)
		w.want(w.do("sum", 0), int64(0))
		w.do("set-timer", int64(time.Second)) // set anew: the first one is gone
		time.Sleep(999 * time.Millisecond)
		w.want(w.do("sum", 0), int64(0))
		time.Sleep(2 * time.Millisecond)
		w.want(w.do("sum", 0), int64(100))
		time.Sleep(time.Hour)
		w.want(w.do("sum", 0), int64(100))
		w.do("set-timer", int64(time.Second))
		w.do("set-timer", 0)
		time.Sleep(time.Hour)
		w.want(w.do("sum", 0), int64(100))
	})
}

func TestResignAndLeadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.do("add", 5)
		w.Resign(0)
		if _, err := w.try("sum", 0); !errors.Is(err, ErrNotCoordinator) {
			t.Fatalf("after resigning: %v", err)
		}
		w.Lead(0, 2)
		w.want(w.do("sum", 0), int64(5))
		w.Lead(0, 2) // the same epoch: nothing to load
		if _, err := w.try("sum", 0); err != nil {
			t.Fatalf("after the same epoch again: %v", err)
		}
	})
}

func TestTheNewestPublishedEventReachesShardsThatLoadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.Publish(event{do: "spring"})
		w.Publish(event{do: "summer"})
		w.want(w.do("world", 0), "summer")
		w.Lead(0, 2)
		w.want(w.do("world", 0), "summer")
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 3)
		defer w.stop()
		w.do("sum", 0)
		w.Submit(0, event{"sleep", int64(time.Second)}, nil)
		synctest.Wait()
		results := make(chan error, 4) // one for each event
		for range 4 {
			w.Submit(0, event{do: "sum"}, func(_ any, err error) { results <- err })
		}
		if err := <-results; !errors.Is(err, ErrBusy) {
			t.Fatalf("the fourth of three was answered %v", err)
		}
		for range 3 {
			if err := <-results; err != nil {
				t.Fatalf("one of three was answered %v", err)
			}
		}
	})
}

func TestADecisionThatIsTooLargeIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, vfs.NewMem(), 0)
		defer w.stop()
		w.do("add", 1)
		if _, err := w.try("big", 0); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("answered %v", err)
		}
		w.want(w.do("sum", 0), int64(1))
	})
}

func TestTransactionsCountWhenTheyAreCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		w := start(t, disk, 0)
		end := func(kind record.ControlType) {
			done := make(chan error, 1) // one reply
			w.EndTransaction(0, record.Marker{Type: kind, ProducerID: 7, Timestamp: time.Now().UnixMilli()}, false, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		w.do("add-in-transaction", 10)
		w.want(w.do("sum", 0), int64(0))
		end(record.Abort)
		w.do("add-in-transaction", 20)
		end(record.Commit)
		w.want(w.do("sum", 0), int64(20))
		w.do("add-in-transaction", 40)
		crashed := disk.CrashClone(vfs.Crash{})
		w.stop()
		w = start(t, crashed, 0)
		defer w.stop()
		w.want(w.do("sum", 0), int64(20))
		end(record.Commit)
		w.want(w.do("sum", 0), int64(60))
	})
}
