package config

import (
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, kv ...string) *Static {
	t.Helper()
	values := map[string]Value{}
	for i := 0; i < len(kv); i += 2 {
		values[kv[i]] = Value{Text: kv[i+1], Origin: "test"}
	}
	s, err := Load(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoadAnswersEveryFaultAtOnce(t *testing.T) {
	_, err := Load(map[string]Value{
		"num.partition":                  {Text: "3", Origin: "a:1"},
		"zookeeper.connect":              {Text: "x", Origin: "a:2"},
		"log.segment.bytes":              {Text: "13", Origin: "a:3"},
		"create.topic.policy.class.name": {Text: "com.acme.P", Origin: "a:4"},
		"queued.max.request.bytes":       {Text: "10", Origin: "a:5"},
	})
	if err == nil {
		t.Fatal("five faults were not noticed")
	}
	for _, want := range []string{"did you mean num.partitions?", "no ZooKeeper", "at least 1048576", "refused: plug-in", "at least socket.request.max.bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in\n%v", want, err)
		}
	}
}

func TestARefusedKeyAtItsDefaultIsAccepted(t *testing.T) {
	load(t, "remote.log.storage.system.enable", "false")
}

func TestIgnoredKeysAreNamed(t *testing.T) {
	s := load(t, "num.io.threads", "8", "num.partitions", "4")
	if got := s.Ignored(); len(got) != 1 || got[0] != "num.io.threads" {
		t.Fatalf("ignored: %v", got)
	}
}

func TestListenerPrefixedKeysAreKnown(t *testing.T) {
	load(t, "listener.name.internal.plain.sasl.jaas.config", "x", "listener.name.internal.ssl.keystore.location", "/k")
	if _, err := Load(map[string]Value{"listener.name.internal.nonsense": {Text: "1"}}); err == nil {
		t.Fatal("an unknown key behind a listener prefix was taken")
	}
}

func TestTopicValuesFallThroughTheLayers(t *testing.T) {
	b := &Broker{Static: load(t, "log.retention.hours", "2", "log.segment.bytes", "2097152", "flush.policy", "os")}
	topic := b.Topic(nil, 1)
	if topic.RetentionAge != 2*time.Hour || topic.SegmentBytes != 2<<20 || !topic.FlushOS {
		t.Fatalf("static layer: %+v", topic)
	}
	b.Cluster = map[string]string{"log.retention.ms": "1000"}
	if got := b.Topic(nil, 1).RetentionAge; got != time.Second {
		t.Fatalf("the dynamic default does not win over the file: %v", got)
	}
	b.Own = map[string]string{"log.retention.ms": "2000"}
	if got := b.Topic(nil, 1).RetentionAge; got != 2*time.Second {
		t.Fatalf("this broker's value does not win over the cluster's: %v", got)
	}
	if got := b.Topic(map[string]string{"retention.ms": "-1"}, 1).RetentionAge; got != -1 {
		t.Fatalf("the topic's own value does not win: %v", got)
	}
}

func TestMinISRIsTwoFromThreeReplicasOn(t *testing.T) {
	b := &Broker{Static: load(t)}
	for replicas, want := range map[int]int{1: 1, 2: 1, 3: 2, 5: 2} {
		if got := b.Topic(nil, replicas).MinInsyncReplicas; got != want {
			t.Errorf("%d replicas: min.insync.replicas %d, want %d", replicas, got, want)
		}
	}
	b.Cluster = map[string]string{"min.insync.replicas": "1"}
	if got := b.Topic(nil, 3).MinInsyncReplicas; got != 1 {
		t.Errorf("the operator's value does not hold: %d", got)
	}
}

func TestEveryTopicKeyResolves(t *testing.T) {
	b := &Broker{Static: load(t)}
	for _, e := range b.DescribeTopic(nil, 1, TopicKeys.Names()) {
		if e.Value == nil || e.Key.Check(*e.Value) != nil {
			t.Errorf("%s: its default %v does not pass its own check", e.Key.Name, e.Value)
		}
	}
	if n := len(b.DescribeTopic(nil, 1, nil)); n != len(topicKeys)-1 {
		t.Errorf("everything lists %d keys: flush.policy at its default and those of schemas should be left out", n)
	}
}

func TestEveryKeyIsDocumentedAndItsDefaultIsGood(t *testing.T) {
	for _, table := range []struct {
		name string
		keys []string
	}{{"broker", BrokerKeys.Names()}, {"topic", TopicKeys.Names()}, {"group", GroupKeys.Names()}} {
		for _, name := range table.keys {
			k, _ := BrokerKeys.Lookup(name)
			switch table.name {
			case "topic":
				k, _ = TopicKeys.Lookup(name)
			case "group":
				k, _ = GroupKeys.Lookup(name)
			}
			if k.Doc == "" && k.Reason == "" {
				t.Errorf("%s key %s says nothing about itself", table.name, name)
			}
			if !k.Null && k.Check(k.Default) != nil && !strings.HasPrefix(name, "log.local") {
				t.Errorf("%s key %s: default %q: %v", table.name, name, k.Default, k.Check(k.Default))
			}
		}
	}
}

func TestGroupValuesAreBoundByTheBroker(t *testing.T) {
	b := &Broker{Static: load(t)}
	for value, ok := range map[string]bool{"45000": true, "60000": true, "44999": false, "60001": false} {
		if err := b.CheckGroup("consumer.session.timeout.ms", value); (err == nil) != ok {
			t.Errorf("consumer.session.timeout.ms=%s: %v", value, err)
		}
	}
}
