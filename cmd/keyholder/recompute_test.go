package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// parts is H of package store's doc.go, written anew so that the two can be compared.
func parts(all ...string) string {
	sum := sha256.New()
	for _, p := range all {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		sum.Write([]byte(p))
	}
	return string(sum.Sum(nil))
}

func eight(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// recomputes recomputes every chain of an export from its lines alone: recomputes stdout.
func recomputes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: recomputes file")
	}
	heads, n := map[string]string{}, 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line = strings.TrimSuffix(line, "\n")
		var l struct {
			Kind, ID, Salt, Digest, Link string
			MS                           int64
			Event                        struct {
				Seq  int64
				Type string
			}
		}
		ts.Check(json.Unmarshal([]byte(line), &l))
		salt, err := hex.DecodeString(l.Salt)
		ts.Check(err)
		body := "{" + line[strings.Index(line, `"by":`):len(line)-1]
		digest := parts("keyholder event digest 1", string(salt), body)
		if hex.EncodeToString([]byte(digest)) != l.Digest {
			ts.Fatalf("the digest of %s %d does not follow from %s", l.ID, l.Event.Seq, body)
		}
		id := l.Kind + "/" + l.ID
		heads[id] = parts("keyholder chain link 1", heads[id], id, eight(l.Event.Seq), l.Event.Type, eight(l.MS),
			digest)
		if hex.EncodeToString([]byte(heads[id])) != l.Link {
			ts.Fatalf("the link of %s %d does not follow from the one before", l.ID, l.Event.Seq)
		}
		n++
	}
	if n < 3 {
		ts.Fatalf("only %d events were exported", n)
	}
}
