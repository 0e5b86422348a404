package vfs

// Advice tells the page cache what a range of a file is good for.
type Advice uint8

const (
	Sequential Advice = iota // it will be read once, front to back
	DontNeed                 // nobody will read it soon: drop the clean pages
)

// adviser is a File that can pass an Advice on.
type adviser interface {
	advise(offset, length int64, advice Advice) error
}

// Advise is posix_fadvise: a hint that promises nothing and never fails. A length of 0 means to the end.
func Advise(f File, offset, length int64, advice Advice) {
	if a, ok := f.(adviser); ok {
		_ = a.advise(offset, length, advice) // a hint
	}
}
