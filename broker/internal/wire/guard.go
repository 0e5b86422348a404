package wire

// maxTags bounds a section of tags, known and unknown together (WIRE-2).
const maxTags = 1024

// maxDense is what a well-formed body may decode to beyond twice its size. Kafka's most compact elements are a twentieth
// of their Go structs: fifty thousand topic names of Metadata weigh four megabytes more than their bytes. Clients that
// ask for so many exist; a body that wants more than this is refused.
const maxDense = 4 << 20

// MaxDecoded is the memory that the message of a body of that many bytes may take.
func MaxDecoded(bodyBytes int) int { return 2*bodyBytes + maxDense }

// cost is what the walk found out about decoding.
type cost struct {
	memory      int // bytes that kmsg will allocate at most
	unknownTags int // kmsg would keep them in maps
}

// Check walks the body of a request once and compares every count, length, null and tag with the shape of that key and
// version and with the bytes left. It allocates nothing but its error: *MalformedError, or *UnsupportedError when Kafka's
// definitions have no such key or version. Bytes behind the body are allowed, as in Kafka.
func Check(key, version int16, body []byte) error {
	_, err := checkRequest(key, version, body)
	return err
}

func checkRequest(key, version int16, body []byte) (cost, error) {
	if key < 0 || int(key) >= len(requestShapes) || requestShapes[key].program(version) == nil {
		return cost{}, &UnsupportedError{Key: key, Version: version}
	}
	return requestShapes[key].check(version, body)
}

// CheckRecord is Check for a record's key or value. Version is the number that stands in front of it, body what follows.
// A kind that lacks the version is malformed: whoever wrote it is newer than we are.
func CheckRecord(kind RecordKind, version int16, body []byte) error {
	s := &recordShapes[kind]
	if s.program(version) == nil {
		return &MalformedError{What: describe(s.name, version), Reason: "there is no such version"}
	}
	_, err := s.check(version, body)
	return err
}

// String is the name of the schema in Kafka's definitions.
func (k RecordKind) String() string { return recordShapes[k].name }

func (s *shape) check(version int16, body []byte) (cost, error) {
	w := walker{src: body, maxMemory: MaxDecoded(len(body))}
	if f := w.run(s.program(version)); f != faultNone {
		return cost{}, &MalformedError{What: describe(s.name, version), Offset: w.pos, Reason: f.String()}
	}
	return w.cost, nil
}
