package wire

import "encoding/binary"

// AppendResponseHeader appends the header of a response: the correlation id and, from the first flexible version of the
// API on, an empty section of tags.
//
// ApiVersions never has the tags: a client reads its answer before it knows what the broker speaks (KIP-511). Its answer
// to an unknown version is one of version 0, so the caller passes that version or the request's, as it likes.
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlationID))
	if key == KeyApiVersions || key < 0 || int(key) >= len(requestShapes) || version < requestShapes[key].flexible {
		return dst
	}
	return append(dst, 0)
}
