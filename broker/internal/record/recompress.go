package record

import "fmt"

// Recompress answers a copy of b whose records are compressed with codec at level; b itself when it has that codec.
// Offsets, timestamps and the producer's fields stay. It reads at most DefaultMaxDecompressed of records.
func Recompress(b Batch, codec Codec, level int) (Batch, error) {
	if codec == b.Codec() || codec == Producer {
		return b, nil
	}
	d := GetDecompressor(0)
	defer d.Put()
	data, err := d.Decompress(b.Codec(), b.Payload())
	if err != nil {
		return nil, fmt.Errorf("recompress with %v: %w", codec, err)
	}
	return rebuild(b, data, codec, level, false)
}

// rebuild puts b's header before data, compressed with codec. With renumber the records get their index as offset
// delta, as Kafka's MemoryRecordsBuilder numbers what it copies.
func rebuild(b Batch, data []byte, codec Codec, level int, renumber bool) (Batch, error) {
	var err error
	if renumber {
		if data, err = renumbered(b, data); err != nil {
			return nil, err
		}
	}
	out := make([]byte, HeaderSize, HeaderSize+len(data)+len(data)/8+64)
	copy(out, b[:HeaderSize])
	if out, err = compress(out, codec, level, data); err != nil {
		return nil, err
	}
	attributes := be.Uint16(out[attributesAt:]) & (attrKnown &^ (attrCodec | attrDeleteHorizon))
	be.PutUint16(out[attributesAt:], attributes|uint16(codec))
	be.PutUint32(out[lengthAt:], uint32(len(out)-LogOverhead))
	Batch(out).updateCRC()
	return Batch(out), nil
}

func renumbered(b Batch, data []byte) ([]byte, error) {
	it := Iterator{data: data, left: b.Count()}
	out := make([]byte, 0, len(data)+int(b.Count()))
	for delta := int64(0); it.Next(); delta++ {
		r := it.Record()
		out = appendRecord(out, delta, r.Timestamp, r.Key, r.Value, r.Headers)
	}
	return out, it.Err()
}
