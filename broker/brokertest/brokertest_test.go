package brokertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

func TestABrokerForATest(t *testing.T) {
	t.Parallel()
	began := time.Now()
	b := brokertest.Start(t)
	t.Logf("ready after %v", time.Since(began))
	cl := b.Client(t, kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"))
	if err := cl.ProduceSync(t.Context(), kgo.StringRecord("hello")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if f := cl.PollFetches(t.Context()); f.NumRecords() != 1 {
		t.Fatalf("polled %d records: %v", f.NumRecords(), f.Err())
	}
}

// TestInABubble runs broker and client on virtual time: the wait of a long poll takes none.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := brokertest.Start(t, brokertest.InMemoryNetwork())
		cl := b.Client(t, kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"))
		go func() {
			time.Sleep(time.Hour)
			cl.Produce(t.Context(), kgo.StringRecord("an hour later"), nil)
		}()
		began := time.Now()
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord("now")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 2; {
			n += cl.PollFetches(t.Context()).NumRecords()
		}
		if waited := time.Since(began); waited < time.Hour {
			t.Fatalf("the second record came after %v", waited)
		}
		cl.Close()
		b.Stop()
	})
}
