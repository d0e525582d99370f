package backup_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/keyholder/keyholder/store/backup"
	"github.com/keyholder/keyholder/workflows"
)

// small is a file of three records.
func small(t testing.TB, keys ...[]byte) ([]byte, []backup.Record) {
	t.Helper()
	records := []backup.Record{
		{Kind: "account", ID: "acme", Version: 2, Head: "ab", Entries: [][]byte{[]byte("{}\n{}"), {}},
			Places: map[string]workflows.Place{}},
		{Kind: "workflow", ID: "t01-A", Version: 1, Head: "cd", Cards: []int{1}, Doubt: true,
			Entries: [][]byte{[]byte("{\"a\":\"\xff\"}\n")},
			Places: map[string]workflows.Place{"b/U0ANA": {Channel: "D1", TS: "1.2"},
				"a/U0ANA": {Channel: "D1", TS: "1.1", Revision: 7}}},
		{Kind: "person", ID: "U0ANA", Places: map[string]workflows.Place{}},
	}
	var out bytes.Buffer
	w, err := backup.NewWriter(&out, keys, backup.Header{Version: "v", Made: time.Unix(1, 0).UTC(), Prefix: "kh",
		Shards: 4})
	must(t, err)
	for _, r := range records {
		must(t, w.Write(r))
	}
	_, err = w.Close()
	must(t, err)
	return out.Bytes(), records
}

// read reads a file to its end.
func read(file []byte) (records []backup.Record, totals backup.Totals, err error) {
	in, err := backup.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, totals, err
	}
	for {
		r, err := in.Next()
		if errors.Is(err, io.EOF) {
			return records, in.Totals, nil
		}
		if err != nil {
			return records, totals, err
		}
		records = append(records, r)
	}
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	file, want := small(t, key('a'))
	got, totals, err := read(file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %+v", err, got)
	}
	if totals.Records != 3 || totals.Events != 3 || totals.Places != 2 || totals.Seal == "" {
		t.Errorf("%+v", totals)
	}
}

// TestAFileThatIsNotWholeIsRefused cuts a file at every byte, lengthens it, and changes every byte of it.
func TestAFileThatIsNotWholeIsRefused(t *testing.T) {
	file, _ := small(t)
	refused := func(what string, at int, file []byte) {
		if _, _, err := read(file); !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNoBackup) {
			t.Errorf("%s at %d: %v", what, at, err)
		}
	}
	for i := range file {
		refused("cut", i, file[:i])
	}
	refused("lengthened", len(file), append(bytes.Clone(file), 0))
	refused("twice", len(file), append(bytes.Clone(file), file...))
	const header = 19 + 10 // the first line, and what gzip says of itself, which says nothing of ours
	for i := header; i < len(file); i++ {
		changed := bytes.Clone(file)
		changed[i] ^= 0x20
		refused("changed", i, changed)
	}
	for i := range 19 {
		changed := bytes.Clone(file)
		changed[i] ^= 0x20
		refused("changed", i, changed)
	}
}

// packed is a file with any content.
func packed(t testing.TB, content []byte) []byte {
	t.Helper()
	out := bytes.NewBufferString("keyholder backup 1\n")
	w := gzip.NewWriter(out)
	_, err := w.Write(content)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

// TestALengthThatLiesTakesNoMemory claims the most that a part may have, and holds nothing.
func TestALengthThatLiesTakesNoMemory(t *testing.T) {
	content := binary.BigEndian.AppendUint32([]byte("h"), 256<<20)
	allocated := testing.AllocsPerRun(1, func() {
		if _, _, err := read(packed(t, content)); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("error %v", err)
		}
	})
	if allocated > 1000 {
		t.Errorf("%.0f allocations", allocated)
	}
	if _, _, err := read(packed(t, binary.BigEndian.AppendUint32([]byte("h"), 1<<31))); !errors.Is(err,
		backup.ErrDamaged) {
		t.Errorf("error %v", err)
	}
}

// FuzzReader reads any content: it ends with an error that says so, or with records that are read again as they are.
func FuzzReader(f *testing.F) {
	file, _ := small(f)
	in, err := gzip.NewReader(bytes.NewReader(file[19:]))
	must(f, err)
	content, err := io.ReadAll(in)
	must(f, err)
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Add([]byte("h\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		records, totals, err := read(packed(t, content))
		if err != nil {
			if !errors.Is(err, backup.ErrDamaged) {
				t.Fatalf("an error without a next step: %v", err)
			}
			return
		}
		if len(records) != totals.Records {
			t.Fatalf("%d records of %+v", len(records), totals)
		}
		var out bytes.Buffer
		w, err := backup.NewWriter(&out, nil, backup.Header{Shards: 1})
		must(t, err)
		for _, r := range records {
			must(t, w.Write(r))
		}
		_, err = w.Close()
		must(t, err)
		if again, _, err := read(out.Bytes()); err != nil || !reflect.DeepEqual(again, records) {
			t.Fatalf("%v: %+v, %+v", err, again, records)
		}
	})
}
