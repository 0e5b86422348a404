package record

import "fmt"

// Codec is how the records of a batch are compressed. The values are the format's.
type Codec uint8

const (
	None   Codec = 0
	Gzip   Codec = 1
	Snappy Codec = 2
	LZ4    Codec = 3
	Zstd   Codec = 4

	// Producer is no codec: it stands for compression.type=producer, "as the producer sent it".
	Producer Codec = 255
)

var codecNames = [...]string{"uncompressed", "gzip", "snappy", "lz4", "zstd"}

// String is the codec's name in a topic's compression.type.
func (c Codec) String() string {
	switch {
	case int(c) < len(codecNames):
		return codecNames[c]
	case c == Producer:
		return "producer"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// ParseCodec reads a value of compression.type.
func ParseCodec(name string) (Codec, error) {
	for c, n := range codecNames {
		if n == name {
			return Codec(c), nil
		}
	}
	switch name {
	case "producer":
		return Producer, nil
	case "none": // the producers' name for it
		return None, nil
	}
	return 0, fmt.Errorf("parse compression type: %q is not one of uncompressed, gzip, snappy, lz4, zstd, producer", name)
}
