package api

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
)

// TestJoinWaitsForTheTransactionBefore plays a producer that commits and writes again at once: the coordinator answers
// step by step, and markers of the transaction before come between the look at the log and the answer.
func TestJoinWaitsForTheTransactionBefore(t *testing.T) {
	busy, gone := kerr.ConcurrentTransactions.Code, kerr.ProducerFenced.Code
	for _, c := range []struct {
		name    string
		answers []int16 // of the coordinator, the last one again and again
		crossed []bool  // whether a marker came behind the look of that try
		want    int16
		asked   int
		within  time.Duration
	}{
		{name: "no transaction before", answers: []int16{0}, asked: 1},
		{name: "one that completes", answers: []int16{busy, busy, 0}, asked: 3, within: time.Millisecond},
		{name: "one whose marker crosses the question", answers: []int16{0, 0}, crossed: []bool{true}, asked: 2},
		{name: "both", answers: []int16{busy, 0, 0}, crossed: []bool{false, true}, asked: 3, within: time.Millisecond},
		{name: "fenced meanwhile", answers: []int16{busy, gone}, want: kerr.InvalidProducerEpoch.Code, asked: 2, within: time.Millisecond},
		{name: "one that hangs", answers: []int16{busy}, want: busy, asked: 16, within: joinPatience + lastJoinRetry},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, looks, asked := time.Now(), 0, 0
				var got []int16
				j := &joining{ctx: context.Background(), ev: txn.AddPartitions{Partitions: make([]txn.TopicPartition, 2)}, until: began.Add(joinPatience), retry: firstJoinRetry}
				j.look = func() { looks++ }
				j.crossed = func() bool { return looks <= len(c.crossed) && c.crossed[looks-1] }
				j.ask = func(_ txn.AddPartitions, done func(any, int16)) {
					code := c.answers[min(asked, len(c.answers)-1)]
					asked++
					done(txn.Added{code, code}, 0)
				}
				ended := make(chan struct{})
				j.done = func(codes []int16) { got = codes; close(ended) }
				j.try()
				<-ended
				if want := []int16{c.want, c.want}; !slices.Equal(got, want) || asked != c.asked || looks != asked {
					t.Errorf("codes %v after %d questions and %d looks, want %v after %d", got, asked, looks, want, c.asked)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("took %v, want at most %v", took, c.within)
				}
			})
		})
	}
}
