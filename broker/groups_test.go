package broker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// consume reads records in a group until it has n, and commits.
func consume(t *testing.T, cl *kgo.Client, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for got := 0; got < n; {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("got %d of %d records: %v", got, n, f.Err())
		}
		got += f.NumRecords()
	}
	if err := cl.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func produce(t *testing.T, cl *kgo.Client, n int) {
	t.Helper()
	for i := range n {
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAGroupOutlivesThePower: members go on where they were, by both protocols, after a power loss and after a restart;
// what was committed is committed.
func TestAGroupOutlivesThePower(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, brokertest.Set("group.consumer.heartbeat.interval.ms", "100"), brokertest.Set("group.consumer.min.heartbeat.interval.ms", "100"))
			opts := []kgo.Opt{kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("g"),
				kgo.DisableAutoCommit(), kgo.HeartbeatInterval(100 * time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
			if protocol == "consumer" {
				opts = append(opts, kgo.ServerSideBalancer())
			}
			cl := b.Client(t, opts...)
			produce(t, cl, 5)
			consume(t, cl, 5)
			b.PowerLoss(1)
			produce(t, cl, 5)
			consume(t, cl, 5)
			b.Restart()

			adm := kadm.NewClient(b.Client(t))
			committed, err := adm.FetchOffsets(t.Context(), "g")
			if err != nil {
				t.Fatal(err)
			}
			if o, ok := committed.Lookup("orders", 0); !ok || o.At != 10 {
				t.Fatalf("committed %+v, want 10", o)
			}
			groups, err := adm.ListGroupsByType(t.Context(), []string{protocol})
			if err != nil || len(groups) != 1 {
				t.Fatalf("groups of type %s: %v, %v", protocol, groups, err)
			}
		})
	}
}

// TestAStopDoesNotWaitForMembers: a member that waits for a rebalance is told to look elsewhere.
func TestAStopDoesNotWaitForMembers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Set("group.initial.rebalance.delay.ms", "60000"))
	cl := b.Client(t, kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("g"), kgo.AllowAutoTopicCreation())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	cl.PollFetches(ctx) // it joins
	began := time.Now()
	b.Stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

// TestAGroupHasSettingsOfItsOwn: what is set on the group's resource is in force with the next heartbeat.
func TestAGroupHasSettingsOfItsOwn(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	cl := b.Client(t)
	beat := func(epoch int32) int32 {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Group, req.MemberID, req.MemberEpoch = "g", "m", epoch
		if epoch == 0 {
			req.RebalanceTimeoutMillis, req.SubscribedTopicNames, req.Topics = 30_000, []string{"orders"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		}
		for ctx := patient(t); ; time.Sleep(10 * time.Millisecond) {
			resp, err := req.RequestWith(ctx, cl)
			if err == nil && resp.ErrorCode == kerr.CoordinatorLoadInProgress.Code {
				continue // the partition of this group was made a moment ago
			}
			if err != nil || resp.ErrorCode != 0 {
				t.Fatalf("heartbeat: %v, %d", err, resp.ErrorCode)
			}
			return resp.HeartbeatIntervalMillis
		}
	}
	if got := beat(0); got != 5000 {
		t.Errorf("the interval is %d ms by default", got)
	}
	set := kmsg.NewPtrIncrementalAlterConfigsRequest()
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeGroupConfig, "g"
	res.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "consumer.heartbeat.interval.ms", Value: kmsg.StringPtr("12000")}}
	set.Resources = append(set.Resources, res)
	if resp, err := set.RequestWith(patient(t), cl); err != nil || resp.Resources[0].ErrorCode != 0 {
		t.Fatalf("set: %v, %+v", err, resp)
	}
	if got := beat(2); got != 12000 {
		t.Errorf("the interval is %d ms after it was set to 12000", got)
	}
}
