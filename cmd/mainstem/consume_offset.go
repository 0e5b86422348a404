package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// position reads an offset as people write it: start, end, 42, -10, +5, @time.
func position(ctx context.Context, adm *kadm.Client, topics []string, from string) (func(offsetRow) int64, error) {
	bad := errcode.New(errcode.Usage, "-o %s: one of start, end, an offset, -N before the end, +N behind the start, @TIME", from)
	switch {
	case from == "start":
		return func(r offsetRow) int64 { return r.Start }, nil
	case from == "end":
		return func(r offsetRow) int64 { return r.End }, nil
	case strings.HasPrefix(from, "@"):
		at, err := instant(from[1:])
		if err != nil {
			return nil, bad
		}
		found, err := adm.ListOffsetsAfterMilli(ctx, at, topics...)
		if err == nil {
			err = found.Error()
		}
		if err != nil {
			return nil, err
		}
		return func(r offsetRow) int64 {
			if o, ok := found.Lookup(r.Topic, r.Partition); ok && o.Offset >= 0 {
				return o.Offset
			}
			return r.End
		}, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(from, "+"), 10, 64)
	switch {
	case err != nil:
		return nil, bad
	case strings.HasPrefix(from, "+"):
		return func(r offsetRow) int64 { return r.Start + n }, nil
	case n < 0:
		return func(r offsetRow) int64 { return r.End + n }, nil
	}
	return func(offsetRow) int64 { return n }, nil
}

// instant reads a time: milliseconds, a date, RFC 3339, or a duration before now (-1h).
func instant(s string) (ms int64, err error) {
	if ms, err = strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return ms, nil
	}
	if d, err := time.ParseDuration(strings.TrimPrefix(s, "-")); err == nil {
		return time.Now().Add(-d).UnixMilli(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, errcode.New(errcode.Usage, "%s is no time", s)
}
