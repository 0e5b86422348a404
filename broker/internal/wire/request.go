package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Request is a request whose header has been read. Its Body stays undecoded until somebody wants it.
type Request struct {
	Key, Version  int16
	CorrelationID int32
	ClientID      *string // nil when the client sent none; shared between requests of a connection, never written to
	Body          []byte  // a slice of the frame
	Size          int     // bytes of the frame, its length prefix left out

	checked bool // Body has passed the guard
	cost    cost // known once checked
}

// ParseRequest reads the header of a frame against everything in [Served]. See [Request.Parse].
func ParseRequest(frame []byte) (Request, error) {
	var r Request
	err := r.Parse(frame, Served)
	return r, err
}

// Parse reads the header of a frame into r. A key or version that table does not serve is an *UnsupportedError, a
// header that is cut or wrong a *MalformedError; after both the connection is closed, as Kafka does.
//
// ApiVersions of a version that we do not know is no error (KIP-511): it is answered with a body of version 0 that
// holds UNSUPPORTED_VERSION, so its handler looks at Version before it decodes.
//
// A client id that equals the one r held before is not allocated again.
//
//	header v1: key int16, version int16, correlation id int32, client id nullable string (never compact)
//	header v2: the same, and a section of tags; used from the first flexible version of the API on
func (r *Request) Parse(frame []byte, table Table) error {
	known := r.ClientID
	*r = Request{Size: len(frame)}
	if len(frame) < 8 {
		return &MalformedError{What: "request header", Offset: len(frame), Reason: faultShort.String()}
	}
	r.Key = int16(binary.BigEndian.Uint16(frame))
	r.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	r.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
	api, ok := table.API(r.Key)
	if !ok || !api.serves(r.Version) && r.Key != KeyApiVersions {
		return &UnsupportedError{Key: r.Key, Version: r.Version}
	}
	w := walker{src: frame, pos: 8}
	if f := w.header(r.Version >= api.FirstFlexible); f != faultNone {
		return &MalformedError{What: "header of " + describe(api.Name, r.Version), Offset: w.pos, Reason: f.String()}
	}
	r.ClientID = clientID(frame[8:], known)
	r.Body = frame[w.pos:]
	return nil
}

// clientID reads the string at the start of b, whose length the guard has checked.
func clientID(b []byte, known *string) *string {
	n := int16(binary.BigEndian.Uint16(b))
	if n < 0 {
		return nil
	}
	if b = b[2 : 2+n]; known != nil && *known == string(b) {
		return known
	}
	s := string(b)
	return &s
}

// Check runs the guard over the body, once. Decode does it too; whoever wants to know the cost first calls it earlier.
func (r *Request) Check() error {
	if r.checked {
		return nil
	}
	c, err := checkRequest(r.Key, r.Version, r.Body)
	if err != nil {
		return err
	}
	r.checked, r.cost = true, c
	return nil
}

// DecodedSize is an upper bound of what Decode will allocate, known after Check.
func (r *Request) DecodedSize() int { return r.cost.memory }

// Decode returns the message. Strings in it are copies; byte slices, records above all, are slices of the frame and
// live as long as the frame does. Unknown tags are taken out of Body in place: kmsg would keep them (WIRE-2).
func (r *Request) Decode() (kmsg.Request, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if r.cost.unknownTags > 0 {
		r.Body = withoutUnknownTags(r.Key, r.Version, r.Body)
		r.cost.unknownTags = 0
	}
	m := kmsg.RequestForKey(r.Key)
	if m == nil {
		return nil, &UnsupportedError{Key: r.Key, Version: r.Version}
	}
	m.SetVersion(r.Version)
	if err := m.ReadFrom(r.Body); err != nil {
		return nil, fmt.Errorf("decode %s: %w", describe(requestShapes[r.Key].name, r.Version), err)
	}
	return m, nil
}
