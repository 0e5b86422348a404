package broker_test

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// startSecured runs a broker with SASL and ACLs: admin is a super user, alice and bob have no rights.
func startSecured(t *testing.T, opts ...brokertest.Option) *brokertest.Broker {
	t.Helper()
	const plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	return brokertest.Start(t, append([]brokertest.Option{
		brokertest.Set("listeners", "SASL_PLAINTEXT://127.0.0.1:0"),
		brokertest.Set("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
		brokertest.Set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
			plainModule+` required user_admin="admin-secret" user_alice="alice-secret" user_bob="bob-secret";`),
		brokertest.Set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
		brokertest.Set("super.users", "User:admin"), brokertest.Set("connection.failed.authentication.delay.ms", "20"),
	}, opts...)...)
}

func as(user string) kgo.Opt {
	return kgo.SASL(plain.Auth{User: user, Pass: user + "-secret"}.AsMechanism())
}

func adminOf(t *testing.T, b *brokertest.Broker) *kadm.Client {
	t.Helper()
	return kadm.NewClient(b.Client(t, as("admin")))
}

// allow gives a user rights on a topic, or on every group, cluster.
func allow(t *testing.T, b *brokertest.Broker, acls *kadm.ACLBuilder) {
	t.Helper()
	made, err := adminOf(t, b).CreateACLs(patient(t), acls)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made {
		if m.Err != nil {
			t.Fatal(m.Err)
		}
	}
}

func hungUp(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) }

func TestClientsLogInWithEveryMechanism(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	adm := adminOf(t, b)
	if _, err := adm.CreateTopic(patient(t), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, m := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		if _, err := adm.AlterUserSCRAMs(patient(t), nil, []kadm.UpsertSCRAM{{User: "carol", Mechanism: m, Iterations: 4096, Password: "carol-secret"}}); err != nil {
			t.Fatal(err)
		}
	}
	allow(t, b, kadm.NewACLs().Allow("User:carol").AllowHosts("*").Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead, kadm.OpWrite))
	carol := scram.Auth{User: "carol", Pass: "carol-secret"}
	for name, mechanism := range map[string]sasl.Mechanism{"PLAIN": plain.Auth{User: "admin", Pass: "admin-secret"}.AsMechanism(), "SCRAM-SHA-256": carol.AsSha256Mechanism(), "SCRAM-SHA-512": carol.AsSha512Mechanism()} {
		if err := b.Client(t, kgo.SASL(mechanism)).ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: []byte(name)}).FirstErr(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := b.Client(t, kgo.SASL(scram.Auth{User: "carol", Pass: "x"}.AsSha256Mechanism()), kgo.RequestRetries(0))
	if err := wrong.Ping(patient(t)); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a wrong password: %v", err)
	}
}

// Only three APIs are there before authentication, and a request may not be long.
func TestBeforeAuthentication(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	for name, req := range map[string]kmsg.Request{
		"Metadata": kmsg.NewPtrMetadataRequest(), "Produce": kmsg.NewPtrProduceRequest(), "Fetch": kmsg.NewPtrFetchRequest(),
		"CreateACLs": kmsg.NewPtrCreateACLsRequest(), "a token before the handshake": kmsg.NewPtrSASLAuthenticateRequest(),
	} {
		version := map[string]int16{"Metadata": 9, "Produce": 9, "Fetch": 11, "CreateACLs": 3}[name]
		if _, err := dialRaw(t, b).send(req, version); !hungUp(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := dialRaw(t, b)
	versions := c.ask(kmsg.NewPtrApiVersionsRequest(), 0).(*kmsg.ApiVersionsResponse)
	if len(versions.ApiKeys) < 30 {
		t.Errorf("%d APIs are listed", len(versions.ApiKeys))
	}
	c.login("alice", "alice-secret")
	if _, err := c.send(kmsg.NewPtrMetadataRequest(), 9); err != nil {
		t.Errorf("after the login: %v", err)
	}
}

func TestCVE_2022_34917_ALongRequestBeforeAuthentication(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	c := dialRaw(t, b)
	_ = c.frame(make([]byte, 512<<10+1))
	if _, err := c.answer(); err == nil {
		t.Error("more than 512 KiB were read before authentication")
	}
}

func TestAFailedLoginIsAnsweredLateAndLast(t *testing.T) {
	t.Parallel()
	b := startSecured(t, brokertest.Set("connection.failed.authentication.delay.ms", "300"))
	c := dialRaw(t, b)
	c.handshake("PLAIN")
	began := time.Now()
	r := c.authenticate([]byte("\x00admin\x00wrong"))
	if took := time.Since(began); r.ErrorCode != kerr.SaslAuthenticationFailed.Code || took < 300*time.Millisecond {
		t.Errorf("error %d after %v", r.ErrorCode, took)
	}
	if _, err := c.send(kmsg.NewPtrApiVersionsRequest(), 0); !hungUp(err) {
		t.Errorf("afterwards: %v", err)
	}
	c = dialRaw(t, b)
	if h := c.handshake("GSSAPI"); h.ErrorCode != kerr.UnsupportedSaslMechanism.Code || len(h.SupportedMechanisms) != 3 {
		t.Errorf("an unknown mechanism: %+v", h)
	}
	if _, err := c.send(kmsg.NewPtrApiVersionsRequest(), 0); !hungUp(err) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBareTokensBehindTheOldHandshake(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	old := func() *rawClient {
		c, req := dialRaw(t, b), kmsg.NewPtrSASLHandshakeRequest()
		req.Mechanism = "PLAIN"
		c.ask(req, 0)
		return c
	}
	c := old()
	_ = c.frame([]byte("\x00alice\x00alice-secret"))
	if answer, err := c.answer(); err != nil || len(answer) != 0 {
		t.Fatalf("%q, %v", answer, err)
	}
	c.ask(kmsg.NewPtrMetadataRequest(), 9)
	c = old()
	_ = c.frame([]byte("\x00alice\x00wrong"))
	if _, err := c.answer(); !hungUp(err) {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestASessionThatIsNotRenewedEnds(t *testing.T) {
	t.Parallel()
	b := startSecured(t, brokertest.Set("listener.name.sasl_plaintext.plain.connections.max.reauth.ms", "1500"))
	renewing, idle := dialRaw(t, b), dialRaw(t, b).login("alice", "alice-secret")
	renewing.handshake("PLAIN")
	if r := renewing.authenticate([]byte("\x00alice\x00alice-secret")); r.SessionLifetimeMillis != 1500 {
		t.Fatalf("lifetime %d ms", r.SessionLifetimeMillis)
	}
	deadline := time.Now().Add(1700 * time.Millisecond)
	time.Sleep(1100 * time.Millisecond)
	renewing.login("alice", "alice-secret")
	time.Sleep(time.Until(deadline))
	renewing.ask(kmsg.NewPtrMetadataRequest(), 9)
	if _, err := idle.send(kmsg.NewPtrMetadataRequest(), 9); !hungUp(err) {
		t.Errorf("the session that was not renewed: %v", err)
	}
	changing := dialRaw(t, b).login("alice", "alice-secret")
	changing.handshake("PLAIN")
	if r := changing.authenticate([]byte("\x00bob\x00bob-secret")); r.ErrorCode != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("another principal: error %d", r.ErrorCode)
	}
}

func TestCVE_2017_12610_NobodyBecomesSomebodyElse(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, startSecured(t))
	c.handshake("PLAIN")
	if r := c.authenticate([]byte("admin\x00alice\x00alice-secret")); r.ErrorCode != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("error %d", r.ErrorCode)
	}
}

// A client that says to be a replica could move high watermarks: it needs the right of one.
func TestCVE_2018_1288_AForgedReplicaID(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	if _, err := adminOf(t, b).CreateTopic(patient(t), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	write(t, b.Client(t, as("admin")), "t", "a")
	allow(t, b, kadm.NewACLs().Allow("User:alice").AllowHosts("*").Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead))
	fetch := func(user string, replica int32) kmsg.FetchResponseTopicPartition {
		req := kmsg.NewPtrFetchRequest()
		topic, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
		topic.Topic, part.PartitionMaxBytes, part.CurrentLeaderEpoch = "t", 1<<20, -1
		topic.Partitions, req.MaxBytes, req.ReplicaID = append(topic.Partitions, part), 1<<20, replica
		req.Topics = append(req.Topics, topic)
		return dialRaw(t, b).login(user, user+"-secret").ask(req, 11).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	}
	if p := fetch("alice", -1); p.ErrorCode != 0 || len(p.RecordBatches) == 0 {
		t.Fatalf("a consumer: error %d", p.ErrorCode)
	}
	for _, replica := range []int32{0, 1, 2, 1000} {
		if p := fetch("alice", replica); p.ErrorCode != kerr.TopicAuthorizationFailed.Code || len(p.RecordBatches) != 0 {
			t.Errorf("as replica %d: error %d, %d bytes", replica, p.ErrorCode, len(p.RecordBatches))
		}
	}
	if p := fetch("admin", -1); p.HighWatermark != 1 {
		t.Errorf("the high watermark is %d", p.HighWatermark)
	}
}

// What one may not describe must look the same whether it exists or not, by name and by id.
func TestRefusalsShowNothing(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	made, err := adminOf(t, b).CreateTopic(patient(t), 1, 1, nil, "secret-topic")
	if err != nil {
		t.Fatal(err)
	}
	c := dialRaw(t, b).login("alice", "alice-secret")
	if all := c.ask(func() kmsg.Request { r := kmsg.NewPtrMetadataRequest(); r.Topics = nil; return r }(), 12).(*kmsg.MetadataResponse); len(all.Topics) != 0 {
		t.Errorf("all topics: %+v", all.Topics)
	}
	byID := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.TopicID = made.ID
	byID.Topics = append(byID.Topics, topic)
	got := c.ask(byID, 12).(*kmsg.MetadataResponse).Topics[0]
	if got.Topic != nil || got.ErrorCode != kerr.TopicAuthorizationFailed.Code || len(got.Partitions) > 0 {
		t.Errorf("by id: %+v", got)
	}
	del := kmsg.NewPtrDeleteTopicsRequest()
	d := kmsg.NewDeleteTopicsRequestTopic()
	d.TopicID = made.ID
	del.Topics = append(del.Topics, d)
	if gone := c.ask(del, 6).(*kmsg.DeleteTopicsResponse).Topics[0]; gone.Topic != nil || gone.ErrorCode != kerr.TopicAuthorizationFailed.Code {
		t.Errorf("deletion by id: %+v", gone)
	}
	same := func(ask func(name string) kmsg.Request, version int16) {
		t.Helper()
		var answers [2][]byte
		for i, name := range []string{"secret-topic", "absent-topic"} {
			answers[i] = bytes.ReplaceAll(c.ask(ask(name), version).AppendTo(nil), []byte(name), []byte("NAME"))
		}
		if !bytes.Equal(answers[0], answers[1]) {
			t.Errorf("the answers differ:\n%q\n%q", answers[0], answers[1])
		}
	}
	same(func(name string) kmsg.Request {
		r, topic := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
		topic.Topic, r.AllowAutoTopicCreation = &name, true
		r.Topics = append(r.Topics, topic)
		return r
	}, 12)
	same(func(name string) kmsg.Request {
		r, topic := kmsg.NewPtrDescribeTopicPartitionsRequest(), kmsg.NewDescribeTopicPartitionsRequestTopic()
		topic.Topic = name
		r.Topics = append(r.Topics, topic)
		return r
	}, 0)
	same(func(name string) kmsg.Request {
		r, topic := kmsg.NewPtrCreatePartitionsRequest(), kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = name, 3
		r.Topics = append(r.Topics, topic)
		return r
	}, 3)
	if topics, err := adminOf(t, b).ListTopics(patient(t)); err != nil || len(topics) != 1 {
		t.Errorf("there are %d topics: %v", len(topics), err)
	}
}

func TestGroupsAreListedForThoseWhoMayDescribeThem(t *testing.T) {
	t.Parallel()
	b := startSecured(t, brokertest.Set("offsets.topic.num.partitions", "1"))
	adm := adminOf(t, b)
	if _, err := adm.CreateTopic(patient(t), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{"seen", "hidden"} {
		offsets := kadm.Offsets{}
		offsets.AddOffset("t", 0, 1, -1)
		if err := adm.CommitAllOffsets(patient(t), g, offsets); err != nil {
			t.Fatal(err)
		}
	}
	allow(t, b, kadm.NewACLs().Allow("User:alice").AllowHosts("*").Groups("seen").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpDescribe))
	for user, want := range map[string]int{"admin": 2, "alice": 1, "bob": 0} {
		list := dialRaw(t, b).login(user, user+"-secret").ask(kmsg.NewPtrListGroupsRequest(), 4).(*kmsg.ListGroupsResponse)
		if list.ErrorCode != 0 || len(list.Groups) != want {
			t.Errorf("%s sees %+v", user, list.Groups)
		}
	}
}
