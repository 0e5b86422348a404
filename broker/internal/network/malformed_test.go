package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// frameOf puts the length before the parts; numbers stand for bytes.
func frameOf(parts ...any) []byte {
	var body []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			body = append(body, byte(p))
		case string:
			body = append(body, p...)
		case []byte:
			body = append(body, p...)
		}
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// header is a request header with a client id; flexible ones end in an empty section of tags.
func header(key, version int16, flexible bool) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = append(b, 0, 0, 0, 77, 0, 5, 'p', 'r', 'o', 'b', 'e')
	if flexible {
		b = append(b, 0)
	}
	return b
}

// The outcomes are those of Apache Kafka 4.3.1 (conformance probes malformed/*).
const (
	answer = "answer"
	closed = "connection closed"
	open   = "connection open, no answer"
)

func TestMalformedFramesAreTreatedAsKafkaTreatsThem(t *testing.T) {
	metadata, versions := header(3, 9, true), header(18, 3, true)
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"length-zero":             {make([]byte, 12), closed},
		"length-negative":         {[]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, closed},
		"length-huge":             {[]byte{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, closed},
		"length-longer-than-body": {append([]byte{0, 0, 1, 0}, header(18, 0, false)...), open},
		"short-header":            {[]byte{0, 0, 0, 4, 0, 18, 0, 0, 0, 0, 0, 0}, closed},
		"unknown-key":             {frameOf(header(999, 0, false)), closed},
		"negative-key":            {frameOf(header(-1, 0, false)), closed},
		"negative-version":        {frameOf(header(3, -1, false)), closed},
		"version-too-high":        {frameOf(header(3, 99, true)), closed},
		"controller-api":          {frameOf(header(52, 0, true)), closed},
		"body-missing":            {frameOf(metadata), closed},
		"body-cut":                {frameOf(header(3, 1, false), 0, 0, 0, 2, 0, 3, "abc"), closed},
		"array-count-huge":        {frameOf(header(3, 1, false), 0x7f, 0xff, 0xff, 0xff), closed},
		"array-count-negative":    {frameOf(header(3, 1, false), 0xff, 0xff, 0xff, 0xfe), answer},
		"compact-count-huge":      {frameOf(metadata, 0xff, 0xff, 0xff, 0xff, 0x07), closed},
		"string-negative":         {frameOf(header(3, 1, false), 0, 0, 0, 1, 0xff, 0xfb), closed},
		"string-null":             {frameOf(header(3, 1, false), 0, 0, 0, 1, 0xff, 0xff), closed},
		"string-too-long":         {frameOf(header(3, 1, false), 0, 0, 0, 1, 0x7f, 0xff, "abc"), closed},
		"varint-endless":          {frameOf(metadata, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), closed},
		"client-id-too-long":      {frameOf(0, 18, 0, 0, 0, 0, 0, 77, 0x7f, 0xff, "x"), closed},
		"garbage-after-body":      {frameOf(versions, 2, "a", 2, "1", 0, "garbage"), answer},
		"unknown-tag":             {frameOf(versions, 2, "a", 2, "1", 1, 0x63, 3, "xyz"), answer},
		"header-tag":              {frameOf(header(18, 3, false), 1, 0x63, 3, "xyz", 2, "a", 2, "1", 0), answer},
		"tag-count-huge":          {frameOf(versions, 2, "a", 2, "1", 0x80, 0x80, 0x80, 0x40), closed},
		"tag-size-huge":           {frameOf(versions, 2, "a", 2, "1", 1, 0, 0xff, 0xff, 0xff, 0xff, 0x07), closed},
		"tags-out-of-order":       {frameOf(versions, 2, "a", 2, "1", 2, 0x64, 0, 0x63, 0), answer},
		"null-client-id":          {frameOf(0, 18, 0, 0, 0, 0, 0, 77, 0xff, 0xff), answer},
		"produce-record-size": {frameOf(header(0, 3, false), 0xff, 0xff, 0, 1, 0, 0, 0x10, 0, 0, 0, 0, 1, 0, 1, "t",
			0, 0, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff), closed},
		"http": {[]byte("GET / HTTP/1.1\r\nHost: kafka\r\n\r\n"), closed},
		"tls":  {append([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}, make([]byte, 520)...), closed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, Config{}, echo)
				client := s.dial(t)
				client.send(c.frame)
				if got := outcome(client); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				other := s.dial(t)
				other.send(encode(apiVersions(), 3))
				if got := other.correlation(); got != 3 {
					t.Errorf("afterwards the server answered %d", got)
				}
			})
		})
	}
}

// outcome waits for what the server does; all but the open one come at once.
func outcome(c client) string {
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b, err := c.receive()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return open
	case err != nil:
		return closed
	case int32(binary.BigEndian.Uint32(b)) != 77:
		return "an answer to something else"
	}
	return answer
}

func TestUnknownVersionOfApiVersionsReachesTheHandler(t *testing.T) {
	s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
		if _, err := x.Request.Decode(); err == nil || x.Request.Version != 99 {
			t.Errorf("version %d decoded: %v", x.Request.Version, err)
		}
		r := kmsg.NewPtrApiVersionsResponse()
		r.ErrorCode = 35
		x.Respond(r)
	}))
	c := s.dial(t)
	c.send(frameOf(header(18, 99, true), "whatever"))
	got, err := c.receive()
	if want := []byte{0, 0, 0, 77, 0, 35, 0, 0, 0, 0}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestMalformedIsLoggedAndCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m := new(counts)
		s := serve(t, Config{Metrics: m, Logger: slog.New(slog.NewTextHandler(&log, nil))}, echo)
		c := s.dial(t)
		bad := frameOf(header(3, 9, true))
		c.send(slices.Concat(bad, bad, bad))
		if !c.isClosed() {
			t.Error("still open")
		}
		s.stop()
		if n := bytes.Count(log.Bytes(), []byte("malformed")); n != 1 || m.malformed != 1 {
			t.Errorf("%d lines, %d counted:\n%s", n, m.malformed, log.Bytes())
		}
	})
}

func TestVersionsThatKafka4RemovedCloseTheConnection(t *testing.T) {
	for _, v := range [][2]int16{{0, 2}, {1, 3}, {2, 0}, {8, 1}, {9, 0}, {19, 1}, {20, 0}, {23, 1}, {32, 0}} {
		s := serve(t, Config{}, echo)
		c := s.dial(t)
		c.send(frameOf(header(v[0], v[1], false)))
		if !c.isClosed() {
			t.Errorf("key %d version %d is answered", v[0], v[1])
		}
	}
}
