package conformance

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/mainstem-io/mainstem/broker"
)

// Page is docs/compatibility.md, made from the version table, the differences, and the lists in known of what client
// suites fail for here and not against Kafka: a file a suite, a line a test, with the reason behind its name.
func Page(known fs.FS) (string, error) {
	var b bytes.Buffer
	b.WriteString("# Compatibility\n\n<!-- Made by `go test ./internal/conformance -update`. Do not edit. -->\n\n")
	b.WriteString("Mainstem answers as Apache Kafka 4.3.1 does, and its clients and tools work unmodified. This page lists what is\nserved, and every place where the answer is another one.\n\n")
	b.WriteString("## APIs\n\nA version outside the range, and an API that is not served, close the connection, as in Kafka.\n\n| key | API | versions |\n| --- | --- | --- |\n")
	var later []broker.API
	for _, a := range broker.APIs() {
		if !a.Served {
			later = append(later, a)
			continue
		}
		versions := fmt.Sprintf("%d-%d", a.Min, a.Max)
		if a.Advertised != a.Min {
			versions += fmt.Sprintf(", listed as %d-%d for old clients", a.Advertised, a.Max)
		}
		fmt.Fprintf(&b, "| %d | %s | %s |\n", a.Key, a.Name, versions)
	}
	b.WriteString("\nNot served yet: ")
	for i, a := range later {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%d)", a.Name, a.Key)
	}
	b.WriteString(".\n\n## Recorded answers that differ\n\nThe recordings are Apache Kafka's own; `make conformance-broker` compares.\n\n| probes | reason |\n| --- | --- |\n")
	for _, d := range Differences {
		fmt.Fprintf(&b, "| `%s` | %s |\n", escape(d.Probes.String()), d.Reason)
	}
	if err := suites(&b, known); err != nil {
		return "", err
	}
	b.WriteString("\n## Choices that no recording shows\n\n")
	for _, c := range choices {
		fmt.Fprintf(&b, "- %s\n", c)
	}
	return b.String(), nil
}

func suites(b *bytes.Buffer, known fs.FS) error {
	b.WriteString("\n## Client suites\n\nTests of other people's clients that pass against Apache Kafka 4.3.1 and not here, or that are not tried; `make suites` runs\nthem all.\n\n| suite | test | reason |\n| --- | --- | --- |\n")
	names, err := fs.Glob(known, "*.txt")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(known, name)
		if err != nil {
			return fmt.Errorf("read what suites are known to fail for: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			test, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
			suite, skipped := strings.CutSuffix(strings.TrimSuffix(name, ".txt"), "-skip")
			if skipped {
				reason += " (not tried)"
			}
			fmt.Fprintf(b, "| %s | `%s` | %s |\n", suite, escape(test), reason)
		}
	}
	return nil
}

func escape(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte("|"), []byte("\\|"))) }

// choices differ from Kafka on purpose, for the reason in the sentence.
var choices = []string{
	"An acknowledgement (`acks=1` and `acks=all`) means fsynced, where Kafka's means in the page cache. `flush.policy=os` gives Kafka's meaning, by broker or topic.",
	"Consumers see only durable records: the high watermark counts fsynced positions.",
	"Fetch never cuts a batch at a limit: it answers whole batches, because their CRC is checked before they leave. A batch whose bytes have changed on disk is never sent: the partition answers KAFKA_STORAGE_ERROR.",
	"CreateTopics, AlterConfigs and the like answer when the change is in force on this broker; in Kafka a topic may be unknown for a moment after its creation was answered.",
	"Requests of one connection are worked on while earlier ones wait for the disk; answers keep the order of the requests, as in Kafka.",
	"JoinGroup of type `consumer` is answered whatever the metadata holds: Kafka leaves a join with garbage in it waiting for ever.",
	"A KIP-848 member that joins again under its id (epoch 0) while its session runs gets its place anew; Kafka fences it until the session is over.",
	"While a group moves between the classic and the consumer protocol, a classic member that was fenced is UNKNOWN_MEMBER_ID when it comes back, and a group that becomes classic keeps what its members have, not what they were to get: in Kafka two members may own a partition for a moment.",
	"`min.insync.replicas` is 2 by default from three replicas on, else 1.",
	"SCRAM answers an unknown user with a salt and an iteration count like anybody's, and refuses the proof; Kafka refuses the name.",
	"Key and trust stores are PEM; JKS and PKCS12 are refused with the command that converts them. Patterns of `ssl.principal.mapping.rules` are RE2: no lookarounds.",
	"ACLs with fields of no meaning, or with a host that could never match, are INVALID_REQUEST (Kafka: UNKNOWN_SERVER_ERROR, or kept). Hosts may be networks (KIP-1276).",
	"`request_percentage` counts the time that a request keeps its connection busy, and holds back the requests after it.",
	"UnregisterBroker does not forget the running broker itself; AlterReplicaLogDirs moves nothing between directories.",
	"GSSAPI and authorizer classes other than StandardAuthorizer are refused at the start.",
	"Two batches of one partition in a Produce request are refused, as Kafka does; the bytes behind a whole batch that are no batch are dropped without a word, as Kafka does too.",
}
