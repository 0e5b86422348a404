package settings

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKafkasOwnFormatIsRead(t *testing.T) {
	s := Set{}
	err := s.File(write(t, "server.properties", `
# a comment
! another
node.id=7
listeners = PLAINTEXT://:9092,\
            CONTROLLER://:9093
log.dirs: /a,/b
advertised.listeners=PLAINTEXT\://host\:9092
`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"node.id": "7", "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093", "log.dirs": "/a,/b", "advertised.listeners": "PLAINTEXT://host:9092",
	} {
		if s[key].Text != want {
			t.Errorf("%s = %q, want %q", key, s[key].Text, want)
		}
	}
	if err := (Set{}).File(write(t, "bad.properties", "no equals sign here")); err == nil {
		t.Error("a line that is no key=value was taken")
	}
}

func TestYAMLMayNestOrDot(t *testing.T) {
	s := Set{}
	if err := s.File(write(t, "broker.yaml", "log:\n  retention.ms: 1000\n  dirs: [/a, /b]\nnum.partitions: 4\nauto.create.topics.enable: false\n")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"log.retention.ms": "1000", "log.dirs": "/a,/b", "num.partitions": "4", "auto.create.topics.enable": "false"} {
		if s[key].Text != want {
			t.Errorf("%s = %q, want %q", key, s[key].Text, want)
		}
	}
}

func TestTheNearestOriginWins(t *testing.T) {
	s := Set{}
	if err := s.File(write(t, "p", "num.partitions=1\nlog.retention.ms=5\n")); err != nil {
		t.Fatal(err)
	}
	s.Environment([]string{"MAINSTEM_NUM_PARTITIONS=2", "MAINSTEM_LOG_RETENTION_MS=6", "OTHER=1"})
	if err := s.Flag("num.partitions=3"); err != nil {
		t.Fatal(err)
	}
	if s["num.partitions"].Text != "3" || s["log.retention.ms"].Text != "6" {
		t.Fatalf("%v", s)
	}
}
