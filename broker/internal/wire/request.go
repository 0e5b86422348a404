package wire

// CONTRACT (written first, so that the rooms above can be built beside this one).
//
//	type Request struct { Key, Version int16; CorrelationID int32; ClientID *string; Body []byte; Size int }
//	func ParseRequest(frame []byte) (Request, error)       // header only; unknown key or version: typed errors
//	func (r *Request) Decode() (kmsg.Request, error)       // guard first, then kmsg; records are slices of the frame
//	func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte
//	Served: the one table API key -> min, max, advertised min, first flexible version; Supported(key, version) bool
//	func Check(key, version int16, body []byte) error       // the guard: counts, tags, lengths against bytes left
