package broker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// rawClient speaks the protocol frame by frame, so that a test says exactly what is sent.
type rawClient struct {
	t    *testing.T
	conn net.Conn
	next int32
	id   string
}

func dialRaw(t *testing.T, b *brokertest.Broker) *rawClient {
	t.Helper()
	conn, err := b.Dial(context.Background(), "tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return rawOver(t, conn)
}

func rawOver(t *testing.T, conn net.Conn) *rawClient {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return &rawClient{t: t, conn: conn, id: "test"}
}

// frame writes a length and bytes.
func (c *rawClient) frame(b []byte) error {
	_, err := c.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

// answer reads a frame; io.EOF when the broker hung up.
func (c *rawClient) answer() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(c.conn, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(c.conn, b)
	return b, err
}

// send asks and answers what came back, or why nothing did.
func (c *rawClient) send(req kmsg.Request, version int16) (kmsg.Response, error) {
	req.SetVersion(version)
	c.next++
	if _, err := c.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(c.id)).AppendRequest(nil, req, c.next)); err != nil {
		return nil, err
	}
	b, err := c.answer()
	if err != nil {
		return nil, err
	}
	b = b[4:]
	if req.IsFlexible() && req.Key() != kmsg.ApiVersions.Int16() {
		b = b[1:] // no tags in the header
	}
	resp := req.ResponseKind()
	if err := resp.ReadFrom(bytes.Clone(b)); err != nil {
		c.t.Fatalf("decode the answer of %s: %v", kmsg.NameForKey(req.Key()), err)
	}
	return resp, nil
}

// ask is send of what must be answered.
func (c *rawClient) ask(req kmsg.Request, version int16) kmsg.Response {
	c.t.Helper()
	resp, err := c.send(req, version)
	if err != nil {
		c.t.Fatalf("%s version %d: %v", kmsg.NameForKey(req.Key()), version, err)
	}
	return resp
}

func (c *rawClient) handshake(mechanism string) *kmsg.SASLHandshakeResponse {
	c.t.Helper()
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Mechanism = mechanism
	return c.ask(req, 1).(*kmsg.SASLHandshakeResponse)
}

func (c *rawClient) authenticate(token []byte) *kmsg.SASLAuthenticateResponse {
	c.t.Helper()
	req := kmsg.NewPtrSASLAuthenticateRequest()
	req.SASLAuthBytes = token
	return c.ask(req, 2).(*kmsg.SASLAuthenticateResponse)
}

// login authenticates with PLAIN.
func (c *rawClient) login(user, password string) *rawClient {
	c.t.Helper()
	c.handshake("PLAIN")
	if r := c.authenticate([]byte("\x00" + user + "\x00" + password)); r.ErrorCode != 0 {
		c.t.Fatalf("login of %s: error %d", user, r.ErrorCode)
	}
	return c
}
