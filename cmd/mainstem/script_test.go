package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

func TestMain(m *testing.M) {
	command := func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, Env{
			Args: arguments(os.Args), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ, Now: time.Now,
		}))
	}
	testscript.Main(m, map[string]func(){"mainstem": command, "kafka-topics.sh": command})
}

// TestScripts runs each script in testdata/script against a broker of its own: command, expected output, exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			b := brokertest.Start(env.T().(testing.TB), brokertest.Set("num.partitions", "2"))
			env.Setenv("MAINSTEM_BROKERS", b.Addr())
			secured := brokertest.Start(env.T().(testing.TB), brokertest.Set("listeners", "SASL_PLAINTEXT://127.0.0.1:0"),
				brokertest.Set("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
				brokertest.Set("listener.name.sasl_plaintext.plain.sasl.jaas.config",
					`org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-secret";`),
				brokertest.Set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"), brokertest.Set("super.users", "User:admin"))
			env.Setenv("SECURED", secured.Addr())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "transaction": transaction, "registry": registry},
	})
}

// registry runs `registry [SECURITY-FILE]`: a schema registry beside the script's broker, until the script ends.
func registry(ts *testscript.TestScript, _ bool, args []string) {
	file := ""
	if len(args) == 1 {
		file = ts.MkAbs(args[0])
	}
	security, err := registrySecurity(file)
	ts.Check(err)
	r, err := newRegistry(schemaregistry.Config{Brokers: []string{ts.Getenv("MAINSTEM_BROKERS")}, Listener: "127.0.0.1:0", Security: security})
	ts.Check(err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the registry's end, read once
	go func() { ended <- r.Run(ctx) }()
	ts.Defer(func() {
		stop()
		ts.Check(<-ended)
	})
	ts.Setenv("MAINSTEM_REGISTRY", r.Addr())
}

// exits runs `exits CODE mainstem ARGS...` and checks the exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = err.Error()
	}
	if want := "exit status " + args[0]; got != want && !(args[0] == "0" && err == nil) {
		ts.Fatalf("got %s, want %s", got, want)
	}
}

// transaction runs `transaction ID TOPIC`: a producer writes a record in a transaction and goes away without an end.
func transaction(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: transaction ID TOPIC")
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("MAINSTEM_BROKERS")), kgo.TransactionalID(args[0]), kgo.DefaultProduceTopic(args[1]))
	ts.Check(err)
	defer cl.Close()
	ts.Check(cl.BeginTransaction())
	ts.Check(cl.ProduceSync(context.Background(), kgo.StringRecord("open")).FirstErr())
}
